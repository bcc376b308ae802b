export class PosixTimers {
  deleteAll(): void {}
}
