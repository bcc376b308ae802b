/*
 * The agent's end of SCMP_ACT_NOTIFY (docs/adr/0017-seccomp-agents.md): a process outside the sandbox that serves one FUSE file,
 * which answers an agent's SECCOMP_IOCTL_NOTIF_* as a listener of seccomp_unotify(2) does, and is a client of the
 * container's control socket, by which the sentry asks and is answered.
 *
 *   agent ── ioctl(2), poll(2) ──▶ host's FUSE ──▶ listener.c ── control socket ──▶ monitor ── init ── sentry
 */
#ifndef MOAT_LAUNCHER_LISTENER_H
#define MOAT_LAUNCHER_LISTENER_H

#include <stddef.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * moat-launcher … --listener AGENT DIRECTORY TOKEN MONITOR, with a container process state (OCI specification) and then the end of
 * file on standard input. "ready" on standard output: the agent at the unix socket AGENT has the file. At standard input's
 * end it connects to the control socket in DIRECTORY and attaches to the filter that the sentry knows as TOKEN:
 * "attached". MONITOR is the monitor of the sandbox, by whose children guest processes are found.
 */
_Noreturn void listener_run(int count, char **arguments);

/* To the sentry; `fd` -1: none. */
void listener_say(uint32_t kind, const char *text, int fd);
int listener_is_attached(void);

/* listener-agent.c: what FUSE has for us. 0: the file is closed for good. */
int agent_serve(int fuse);
/* Gives the oldest call to the oldest receiver, as long as there are both. */
void agent_deliver(void);
/* Nobody has the filter any more. */
void agent_unused(void);
/* Nor is there a sandbox. */
void agent_lost(void);
/* The sentry's result for NOTIF_ADDFD. */
void agent_added(unsigned long index, int result);

/* listener-file.c: gives the agent a file whose requests come to *fuse. The child that does it, which ends with 0 when the agent has it, and with it *sender_pipe. */
pid_t listener_file_send(const char *agent, const char *state, int *fuse, int *sender_pipe);

/* A question of FUSE, one at a time. */
struct listener_request {
	uint64_t unique;
	uint32_t opcode;
	pid_t caller;
	char *body;
	uint32_t length;
};

/* 0: the file is closed for good. Answers itself what is not about notifications. */
int listener_file_read(int fuse, struct listener_request *request);
void listener_file_answer(int fuse, uint64_t unique, int error, const void *body, size_t length);
void listener_file_answer_ioctl(int fuse, uint64_t unique, int result, const void *out, size_t length);
/* Whoever polls under this handle shall look again. */
void listener_file_wake(int fuse, uint64_t handle);

/* listener-calls.c: what seccomp_unotify(2) says of notifications; 0, a result or a negative errno. */
enum call_state { CALL_ASKED, CALL_READ };

struct call {
	struct seccomp_notif notification;
	enum call_state state;
	struct call *next;
};

void calls_add(uint64_t id, pid_t pid, const struct seccomp_data *data);
/* NULL: it is unknown, or was withdrawn. */
struct call *calls_find(uint64_t id);
/* The oldest that nobody has read; it counts as read. */
struct call *calls_take(void);
void calls_remove(uint64_t id);
void calls_clear(void);
/* EPOLL* */
uint32_t calls_readiness(int is_unused);

/* listener-pids.c: the host's pid of a guest's process; 0: it is gone. */
pid_t pids_outer(pid_t monitor, pid_t inner);
/* A copy of another process's descriptor, or a negative errno. */
int pids_fetch_fd(pid_t thread, int fd);
/* A word at an address of another process; a negative errno. */
int pids_read_word(pid_t thread, uint64_t addr, uint64_t *word);

#endif
