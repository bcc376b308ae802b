/* Whether what `moat` runs is older than its sources. */
#ifndef MOAT_LAUNCHER_SOURCES_H
#define MOAT_LAUNCHER_SOURCES_H

/*
 * Has the script `moat` beside the bundles build again and start anew, when a source that the build's stamp lists has
 * changed. Returns when there is nothing to do, or when the bundles are not the caller's to change.
 */
void sources_check(const char *bundles, char **arguments);

#endif
