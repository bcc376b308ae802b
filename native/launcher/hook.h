/* createContainer hooks: programs of the host's, run in the namespaces of a container that is being made. */
#ifndef MOAT_LAUNCHER_HOOK_H
#define MOAT_LAUNCHER_HOOK_H

/*
 * `arguments`: the monitor's pid; a directory; a program and its
 * arguments. What keeps it from being executed is said on standard error, as "moat: cannot execute", with exit status 125.
 */
_Noreturn void hook_run(int count, char **arguments);

#endif
