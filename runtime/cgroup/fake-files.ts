/** A tree of cgroup files in memory. A new directory gets the files that `born` names; what is written is kept in order. */
import type { CgroupFiles } from "./files.ts";

const failure = (code: string): Error => Object.assign(new Error(code), { code });

export class FakeFiles implements CgroupFiles {
  readonly texts = new Map<string, string>();
  readonly folders = new Set<string>();
  readonly written: string[] = [];
  /** path → error code */
  readonly refused = new Map<string, string>();
  readonly #born: Readonly<Record<string, string>>;

  constructor(root: string, born: Readonly<Record<string, string>>) {
    this.#born = born;
    this.makeDirectory(root);
  }

  read(path: string): string {
    const text = this.texts.get(path);
    if (text === undefined) throw failure("ENOENT");
    return text;
  }

  write(path: string, text: string): void {
    const code = this.refused.get(path);
    if (code !== undefined) throw failure(code);
    if (!this.texts.has(path)) throw failure("ENOENT");
    this.texts.set(path, `${text}\n`);
    this.written.push(`${path.slice(path.lastIndexOf("/") + 1)} ${text}`);
  }

  exists(path: string): boolean {
    return this.texts.has(path) || this.folders.has(path);
  }

  makeDirectory(path: string): void {
    if (this.folders.has(path)) return;
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") this.makeDirectory(parent);
    this.folders.add(path);
    for (const [name, text] of Object.entries(this.#born)) this.texts.set(`${path}/${name}`, text);
  }

  removeDirectory(path: string): void {
    if (!this.folders.delete(path)) throw failure("ENOENT");
    for (const name of this.names(path)) this.texts.delete(`${path}/${name}`);
  }

  directories(path: string): string[] {
    return [...this.folders]
      .filter((folder) => folder.slice(0, folder.lastIndexOf("/")) === path)
      .map((folder) => folder.slice(path.length + 1));
  }

  names(path: string): string[] {
    return [...this.texts.keys()]
      .filter((file) => file.slice(0, file.lastIndexOf("/")) === path)
      .map((file) => file.slice(path.length + 1));
  }
}
