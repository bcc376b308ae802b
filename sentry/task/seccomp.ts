export class SeccompFilters {
  /** Null: go on; a number: the call's result; BLOCKED when the task was killed. */
  declare check: (nr: number, args: Float64Array, ip: number) => number | null;
}
