export class IntervalTimers {
  cancelAll(): void {}
}
