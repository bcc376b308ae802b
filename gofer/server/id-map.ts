/** Owners of an id-mapped tree (mount_setattr(2), "ID-mapped mounts"): ranges of ids on the disk that look like others. */
import { OVERFLOW_ID } from "../../syscall-tables/limits.ts";

export interface IdRange {
  readonly disk: number;
  readonly shown: number;
  readonly size: number;
}

/** No ranges: every id is itself. */
export const shownId = (ranges: readonly IdRange[], id: number): number => {
  if (ranges.length === 0) return id;
  for (const { disk, shown, size } of ranges) if (id >= disk && id - disk < size) return shown + (id - disk);
  return OVERFLOW_ID;
};

/** The id to store; -1 when there is none. */
export const diskId = (ranges: readonly IdRange[], id: number): number => {
  if (ranges.length === 0) return id;
  for (const { disk, shown, size } of ranges) if (id >= shown && id - shown < size) return disk + (id - shown);
  return -1;
};
