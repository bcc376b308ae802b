/*
 * The supervisor channel: one SOCK_SEQPACKET pair each between launcher and init, init and
 * sentry, init and gofer. One packet is one message: this header in the machine's byte order,
 * then up to MSG_TEXT_MAX bytes of text. runtime/sandbox/supervisor-protocol.ts is the same in
 * TypeScript.
 */
#ifndef MOAT_LAUNCHER_PROTOCOL_H
#define MOAT_LAUNCHER_PROTOCOL_H

#include <stdint.h>

#define MSG_TEXT_MAX 8192
/* SCM_MAX_FD is 253. */
#define MSG_FDS_MAX 250

struct message_header {
	uint32_t kind;
	int32_t x;
	int32_t y;
	uint32_t text_length;
};

enum message_kind {
	/* launcher → init: the id maps are written. */
	MSG_MAPPED = 1,
	/*
	 * launcher → init → sentry and gofer, with descriptors in this order: config memfd, debug
	 * log (if x has START_DEBUG_LOG), strace log (if START_STRACE_LOG; never for the gofer), the network
	 * broker's channel (if START_BROKER; never for the gofer), a connection to the control socket of the container whose
	 * sandbox is to be joined (if START_JOIN; never for the gofer), as many
	 * files for the guest's 0, 1, 2, … as START_STDIO says (never for the gofer; none: init's own 0, 1, 2); for
	 * the gofer then y trees. A launcher that may mount opens them, and hands them to init as it does the rest
	 * (START_TREES), the text being a byte for each, 1 for those that hear of later mounts; else the text names them as trees.h has it, each ended by a NUL, and init opens them.
	 */
	MSG_START = 2,
	/* launcher → init → sentry: the launcher got signal x; y is 1 when the kernel sent it (terminal), else 0. */
	MSG_SIGNAL = 3,
	/* launcher → init → sentry: the job continues after a stop; x is 1 in the terminal's foreground, else 0. */
	MSG_CONTINUED = 4,
	/* init → sentry: process x (not the sentry, gofer or zygote) ended with wait status y. */
	MSG_CHILD_DIED = 5,
	/* init → sentry, gofer, launcher: the root directory is empty from now on; the sentry takes signals. */
	MSG_CONFINED = 6,

	/* sentry, gofer → init: everything is loaded, no file will be opened by path any more. */
	MSG_LOADED = 16,
	/* sentry → init → launcher: the guest's program ended with wait status x. */
	MSG_EXITED = 17,
	/* sentry → init → launcher: the guest's foreground job stopped by signal x. */
	MSG_STOPPED = 18,
	/* sentry, gofer, init → launcher: the sandbox cannot go on; the text says why, in one line; x: an exit status, or 0. */
	MSG_FATAL = 19,
	/* sentry → init → launcher: the program could not be started; exit status x (126, 127), text as for FATAL. */
	MSG_EXEC_FAILED = 20,
	/* zygote's starter → init: the zygote is process x. */
	MSG_ZYGOTE = 21,
	/* child → init: its pid in the caller's /proc is x; init writes its id maps. */
	MSG_UNMAPPED = 22,
	/* sentry → init → launcher → CLI: the guest's program is loaded and waits for CONTROL_START. */
	MSG_CREATED = 23,

	/* CLI → launcher: enter the network namespace that the text names: "new", a path, or "" for the caller's. */
	MSG_PREPARE = 32,
	/* launcher → CLI: done; this is process x. */
	MSG_PREPARED = 33,

	/*
	 * From MSG_CONTROL_FIRST on: client of the control socket → launcher → init → sentry. x is the
	 * connection's number, which the launcher writes. runtime/sandbox/control-protocol.ts has
	 * the kinds.
	 */
	MSG_CONTROL_FIRST = 64,
	/* What a client's process takes over is up to it: these the launcher's own exec uses. */
	MSG_CONTROL_START = 64,
	MSG_CONTROL_SIGNAL = 65,
	MSG_CONTROL_EXEC = 66,
	MSG_CONTROL_EXEC_SIGNAL = 67,
	/* And these listener.c. */
	MSG_CONTROL_LISTENER = 73,
	MSG_CONTROL_NOTIFY_ANSWER = 74,
	MSG_CONTROL_NOTIFY_ADD = 75,
	MSG_CONTROL_NOTIFY_READ = 76,
	/* launcher → init → sentry: connection x is closed. */
	MSG_CONTROL_GONE = 95,
	/* From MSG_ANSWER_FIRST to MSG_ANSWER_LAST: sentry → init → launcher → the client of connection x. */
	MSG_ANSWER_FIRST = 96,
	MSG_ANSWER_DONE = 96,
	MSG_EXEC_STARTED = 97,
	MSG_EXEC_EXITED = 98,
	MSG_EXEC_REFUSED = 99,
	MSG_ANSWER_NOTIFICATION = 102,
	MSG_ANSWER_WITHDRAWN = 103,
	MSG_ANSWER_UNUSED = 104,
	MSG_ANSWER_ADDED = 105,
	MSG_ANSWER_LAST = 127,
};

#define START_DEBUG_LOG 1
#define START_STRACE_LOG 2
#define START_TREES 4
#define START_BROKER 8
#define START_JOIN 16
/* The number of files for the guest is in x from this bit on. */
#define START_STDIO_SHIFT 8

#endif
