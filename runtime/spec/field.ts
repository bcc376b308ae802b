/** A value of config.json with its place, so that every complaint names the field. Texts come out as byte strings. */

export class SpecError extends Error {}

const byteString = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

export class Field {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  refuse(reason: string): never {
    throw new SpecError(`config.json: ${this.path}: ${reason}`);
  }

  /** In runc's own words, where it has some. */
  say(text: string): never {
    throw new SpecError(text);
  }

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** Absent, or as good as: 0, "", false, an empty list, an object of such. */
  get isEmpty(): boolean {
    const isNothing = (value: unknown): boolean =>
      value === undefined ||
      value === null ||
      value === 0 ||
      value === "" ||
      value === false ||
      (typeof value === "object" && Object.values(value).every(isNothing));
    return isNothing(this.value);
  }

  at(key: string): Field {
    const { value } = this;
    if (!this.exists) return new Field(undefined, this.#below(key));
    if (typeof value !== "object" || Array.isArray(value)) this.refuse("must be an object");
    return new Field((value as Record<string, unknown>)[key], this.#below(key));
  }

  #below(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  require(): this {
    if (!this.exists) this.refuse("is missing");
    return this;
  }

  /** Refused unless it says nothing. */
  mustBeEmpty(reason = "is not supported"): void {
    if (!this.isEmpty) this.refuse(reason);
  }

  get keys(): string[] {
    if (!this.exists) return [];
    if (typeof this.value !== "object" || Array.isArray(this.value)) this.refuse("must be an object");
    return Object.keys(this.value as object);
  }

  text(otherwise?: string): string {
    if (!this.exists && otherwise !== undefined) return otherwise;
    const { value } = this.require();
    if (typeof value !== "string" || value.includes("\0")) this.refuse("must be text");
    return byteString(value as string);
  }

  integer(least: number, most: number, otherwise?: number): number {
    if (!this.exists && otherwise !== undefined) return otherwise;
    const { value } = this.require();
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
      this.refuse(`must be an integer from ${least} to ${most}`);
    }
    return value as number;
  }

  flag(otherwise?: boolean): boolean {
    if (!this.exists && otherwise !== undefined) return otherwise;
    const { value } = this.require();
    if (typeof value !== "boolean") this.refuse("must be true or false");
    return value as boolean;
  }

  list(): Field[] {
    if (!this.exists) return [];
    if (!Array.isArray(this.value)) this.refuse("must be a list");
    return (this.value as unknown[]).map((item, index) => new Field(item, `${this.path}[${index}]`));
  }

  texts(): string[] {
    return this.list().map((item) => item.text());
  }
}
