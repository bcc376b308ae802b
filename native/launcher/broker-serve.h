/* What the network broker does once it is confined. */
#ifndef MOAT_LAUNCHER_BROKER_SERVE_H
#define MOAT_LAUNCHER_BROKER_SERVE_H

/* O_PATH, or -1: the namespace's /proc/net and /proc/sys/net. */
struct broker_directories {
	int net;
	int sysctl;
};

/* Closes everything else, installs the filter and answers until the sentry closes its end. */
_Noreturn void broker_serve(int channel, struct broker_directories directories);

#endif
