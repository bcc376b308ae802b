/* What the network broker does once it is confined. */
#ifndef MOAT_LAUNCHER_BROKER_SERVE_H
#define MOAT_LAUNCHER_BROKER_SERVE_H

/* O_PATH, or -1: the namespace's /proc/net and /proc/sys/net. */
struct broker_directories {
	int net;
	int sysctl;
};

/*
 * Closes everything else, installs the filter and answers until the sentry closes its end. `may_administer`: it has
 * CAP_NET_ADMIN; without, the host would still let uid 0 write to many files of /proc/sys/net.
 */
_Noreturn void broker_serve(int channel, struct broker_directories directories, int may_administer);

#endif
