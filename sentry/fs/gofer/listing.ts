/** What a directory held when it was read. */
import { presentIno } from "./filesystem.ts";

export class Listing {
  readonly names: string[] = [];
  readonly inos: number[] = [];
  /** st_mode's type bits. */
  readonly types: number[] = [];
  #positions: Map<string, number> | null = null;

  /** Rows of name, inode number and DT_* as `readdir` brings them. */
  add(entries: readonly unknown[], deviceIndex: number): void {
    for (let i = 0; i < entries.length; i += 3) {
      this.names.push(entries[i] as string);
      this.inos.push(presentIno(deviceIndex, entries[i + 1] as number));
      this.types.push((entries[i + 2] as number) << 12);
    }
  }

  get length(): number {
    return this.names.length;
  }

  /** Where `name` stands, or -1. */
  indexOf(name: string): number {
    if (this.#positions === null) {
      this.#positions = new Map();
      for (let i = 0; i < this.names.length; i++) this.#positions.set(this.names[i], i);
    }
    return this.#positions.get(name) ?? -1;
  }
}
