/** What a container command fails with: one message, and the exit status where it is not runc's usual 1. */
export class ContainerError extends Error {
  readonly exitStatus: number;

  constructor(message: string, exitStatus = 1) {
    super(message);
    this.exitStatus = exitStatus;
  }
}
