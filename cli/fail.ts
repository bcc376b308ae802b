/** Moat's own failures: one line on standard error, exit status 125. */

export const EXIT_MOAT = 125;

/** Thrown by whatever reads flags; main.ts prints the message. */
export class CliError extends Error {}
