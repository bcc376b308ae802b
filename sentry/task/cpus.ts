/** The machine's CPUs, asked for once before the sentry confines itself. */
import os from "node:os";

/** CPUs that guest threads may run on. */
export const cpuCount: number = os.availableParallelism();
