/**
 * Sentry, gofer and CLI start from a snapshot of V8's heap that was taken at build time, with
 * their modules evaluated (docs/adr/0011-snapshots.md). What belongs to a process and not to a
 * heap (memory, descriptors, native functions) is made when the program starts.
 */
import { startupSnapshot } from "node:v8";

const isTakingSnapshot = (): boolean => startupSnapshot.isBuildingSnapshot();

/** Runs `action` once per process: now, or when the snapshot that is being taken starts; in the order of the calls, before the program. */
export const atStart = (action: () => void): void => {
  if (isTakingSnapshot()) startupSnapshot.addDeserializeCallback(action);
  else action();
};

/** The program itself. The build starts it with --load-only, to see that it loads and to keep what V8 compiled. */
export const startProgram = (program: () => void): void => {
  const run = (): void => {
    if (!process.argv.includes("--load-only")) program();
  };
  if (isTakingSnapshot()) startupSnapshot.setDeserializeMainFunction(run);
  else run();
};
