#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "listener.h"
#include "protocol.h"

/* With its direction as it was in Linux 5.0 to 5.8, by which programs built then still ask. */
#define NOTIF_ID_VALID_OLD SECCOMP_IOR(2, uint64_t)
#define WAITERS_MAX 256

static int fuse;
static int is_unused;
/* Whoever is in NOTIF_RECV, oldest first, and in NOTIF_ADDFD. */
static uint64_t receivers[WAITERS_MAX], adders[WAITERS_MAX];
static int receiver_count;
static uint64_t poll_handle;
static int is_polled;

static void tell_pollers(void)
{
	if (is_polled)
		listener_file_wake(fuse, poll_handle);
	is_polled = 0;
}

static void say_id(uint32_t kind, uint64_t id)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRIu64, id);
	listener_say(kind, text, -1);
}

void agent_deliver(void)
{
	int served = 0;
	struct call *call;

	while (served < receiver_count && (is_unused || (call = calls_take()))) {
		if (is_unused)
			listener_file_answer_ioctl(fuse, receivers[served++], -ENOENT, NULL, 0);
		else {
			listener_file_answer_ioctl(fuse, receivers[served++], 0, &call->notification, sizeof call->notification);
			say_id(MSG_CONTROL_NOTIFY_READ, call->notification.id);
		}
	}
	receiver_count -= served;
	memmove(receivers, receivers + served, (size_t)receiver_count * sizeof *receivers);
	tell_pollers();
}

void agent_unused(void)
{
	is_unused = 1;
	agent_deliver();
}

void agent_added(unsigned long index, int result)
{
	if (index >= WAITERS_MAX || !adders[index])
		return;
	listener_file_answer_ioctl(fuse, adders[index], result, NULL, 0);
	adders[index] = 0;
}

void agent_lost(void)
{
	calls_clear();
	for (unsigned long i = 0; i < WAITERS_MAX; i++)
		agent_added(i, -ENOENT);
	agent_unused();
}

static int send_response(const struct seccomp_notif_resp *response)
{
	char text[128];

	if (response->flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE || (response->flags && (response->error || response->val)))
		return -EINVAL;
	struct call *call = calls_find(response->id);
	if (!call)
		return -ENOENT;
	if (call->state != CALL_READ)
		return -EINPROGRESS;
	snprintf(text, sizeof text, "%" PRIu64 " %" PRId64 " %d %u", (uint64_t)response->id, (int64_t)response->val, response->error, response->flags);
	listener_say(MSG_CONTROL_NOTIFY_ANSWER, text, -1);
	calls_remove(response->id);
	return 0;
}

/* Its answer comes when the sentry's does; a negative errno: it has one already. */
static int add_fd(const struct listener_request *request, const struct seccomp_notif_addfd *addition)
{
	char text[128];
	int index = 0;

	if (addition->newfd_flags & ~(uint32_t)O_CLOEXEC || addition->flags & ~(uint32_t)(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND) ||
	    (addition->newfd && !(addition->flags & SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	int fd = pids_fetch_fd(request->caller, (int)addition->srcfd);
	if (fd < 0)
		return fd;
	struct call *call = calls_find(addition->id);
	while (index < WAITERS_MAX && adders[index])
		index++;
	int error = !call ? -ENOENT : call->state != CALL_READ ? -EINPROGRESS : index == WAITERS_MAX || !listener_is_attached() ? -EBUSY : 0;
	if (error == 0) {
		adders[index] = request->unique;
		snprintf(text, sizeof text, "%d %" PRIu64 " %u %u %u", index, (uint64_t)addition->id, addition->flags, addition->newfd, addition->newfd_flags);
		listener_say(MSG_CONTROL_NOTIFY_ADD, text, fd);
		if (addition->flags & SECCOMP_ADDFD_FLAG_SEND)
			calls_remove(addition->id);
	}
	close(fd);
	return error;
}

static int is_valid(uint64_t id)
{
	struct call *call = calls_find(id);

	return call && call->state == CALL_READ ? 0 : -ENOENT;
}

/* 1: the caller waits. */
static int receive(uint64_t unique, const char *old, int *result)
{
	static const struct seccomp_notif empty;

	if (memcmp(old, &empty, sizeof empty) != 0)
		*result = -EINVAL;
	else if (receiver_count == WAITERS_MAX)
		*result = -EBUSY;
	else {
		receivers[receiver_count++] = unique;
		agent_deliver();
		return 1;
	}
	return 0;
}

static void serve_ioctl(const struct listener_request *request)
{
	struct fuse_ioctl_in head;
	char input[sizeof(struct seccomp_notif)] = { 0 };
	uint64_t word;
	int result = -EINVAL;

	if (request->length < sizeof head)
		return;
	memcpy(&head, request->body, sizeof head);
	uint32_t length = request->length - (uint32_t)sizeof head;
	memcpy(input, request->body + sizeof head, length < sizeof input ? length : sizeof input);
	memcpy(&word, input, sizeof word);
	switch (head.cmd) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		if (receive(request->unique, input, &result))
			return;
		break;
	case SECCOMP_IOCTL_NOTIF_SEND:
		result = send_response((const void *)input);
		break;
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
		result = is_valid(word);
		break;
	case NOTIF_ID_VALID_OLD:
		result = pids_read_word(request->caller, head.arg, &word);
		if (result == 0)
			result = is_valid(word);
		break;
	case SECCOMP_IOCTL_NOTIF_ADDFD:
		result = add_fd(request, (const void *)input);
		if (result == 0)
			return;
		break;
	}
	listener_file_answer_ioctl(fuse, request->unique, result, NULL, 0);
}

static void serve_poll(const struct listener_request *request)
{
	struct fuse_poll_in in;
	struct fuse_poll_out out = { .revents = calls_readiness(is_unused) };

	memcpy(&in, request->body, sizeof in);
	if (in.flags & FUSE_POLL_SCHEDULE_NOTIFY) {
		poll_handle = in.kh;
		is_polled = 1;
	}
	listener_file_answer(fuse, request->unique, 0, &out, sizeof out);
}

static void interrupt(const struct listener_request *request)
{
	const struct fuse_interrupt_in *in = (const void *)request->body;

	for (int i = 0; i < receiver_count; i++) {
		if (receivers[i] != in->unique)
			continue;
		listener_file_answer(fuse, in->unique, -EINTR, NULL, 0);
		memmove(receivers + i, receivers + i + 1, (size_t)(--receiver_count - i) * sizeof *receivers);
		return;
	}
}

int agent_serve(int fuse_fd)
{
	struct listener_request request;
	int got;

	fuse = fuse_fd;
	while ((got = listener_file_read(fuse, &request)) == 1) {
		if (request.opcode == FUSE_IOCTL)
			serve_ioctl(&request);
		else if (request.opcode == FUSE_POLL && request.length >= sizeof(struct fuse_poll_in))
			serve_poll(&request);
		else if (request.opcode == FUSE_INTERRUPT && request.length >= sizeof(struct fuse_interrupt_in))
			interrupt(&request);
		else if (request.opcode == FUSE_RELEASE)
			return 0;
	}
	return got != 0;
}
