#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/epoll.h>

#include "listener.h"

static struct call *first;

void calls_add(uint64_t id, pid_t pid, const struct seccomp_data *data)
{
	struct call **at = &first, *call = calloc(1, sizeof *call);

	/* Whoever asks for that many waits for ever, as one whose agent does not read. */
	if (!call)
		return;
	call->notification = (struct seccomp_notif){ .id = id, .pid = (uint32_t)pid, .data = *data };
	while (*at)
		at = &(*at)->next;
	*at = call;
}

struct call *calls_find(uint64_t id)
{
	for (struct call *call = first; call; call = call->next)
		if (call->notification.id == id)
			return call;
	return NULL;
}

struct call *calls_take(void)
{
	for (struct call *call = first; call; call = call->next) {
		if (call->state != CALL_ASKED)
			continue;
		call->state = CALL_READ;
		return call;
	}
	return NULL;
}

void calls_remove(uint64_t id)
{
	for (struct call **at = &first; *at; at = &(*at)->next) {
		struct call *call = *at;
		if (call->notification.id != id)
			continue;
		*at = call->next;
		free(call);
		return;
	}
}

void calls_clear(void)
{
	while (first)
		calls_remove(first->notification.id);
}

uint32_t calls_readiness(int is_unused)
{
	uint32_t events = is_unused ? EPOLLHUP : 0;

	for (struct call *call = first; call; call = call->next)
		events |= call->state == CALL_ASKED ? EPOLLIN | EPOLLRDNORM : EPOLLOUT | EPOLLWRNORM;
	return events;
}
