/* What the host's process list shows of a monitor: the program that its container runs. */
#ifndef MOAT_LAUNCHER_TITLE_H
#define MOAT_LAUNCHER_TITLE_H

/* Before anything else: where the arguments are. */
void title_prepare(int count, char **arguments);

/* Arguments that were kept by pointer are gone afterwards. What does not fit is cut. */
void title_set(const char *text);

#endif
