/**
 * A value in GVariant's text format (developer.gnome.org, "GVariant Text Format"), in which annotations give properties of
 * a systemd unit, as busctl(1) takes it: a D-Bus type and words. Of the types those without tuples, as runc takes them.
 */

/** What is wrong with a text; the message is the user's. */
export class VariantError extends Error {}

export interface Variant {
  readonly type: string;
  readonly words: readonly string[];
}

type Node = { readonly declared: string } & (
  | { readonly kind: "number" | "string"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "bytes"; readonly bytes: readonly number[] }
  | { readonly kind: "array"; readonly items: readonly Node[] }
  | { readonly kind: "dictionary"; readonly entries: readonly (readonly [Node, Node])[] }
  | { readonly kind: "variant"; readonly inner: Node }
);

const TYPE_NAMES: Readonly<Record<string, string>> = {
  boolean: "b",
  byte: "y",
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  int64: "x",
  uint64: "t",
  double: "d",
  string: "s",
  objectpath: "o",
  signature: "g",
};

/** Least and most of each type of whole numbers. */
const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  y: [0n, 255n],
  n: [-(2n ** 15n), 2n ** 15n - 1n],
  q: [0n, 2n ** 16n - 1n],
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  u: [0n, 2n ** 32n - 1n],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
};

const DEEPEST = 32;
const TOKEN = /\s*(?:(b?"(?:[^"\\]|\\[\s\S])*"|b?'(?:[^'\\]|\\[\s\S])*')|([[\]{}<>,:])|(@[a-z{}]+)|([^\s[\]{}<>,:"'@]+))/y;
const CONTROLS: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", "\n": "" };

const tokensOf = (text: string): string[] => {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text);
    if (match === null) throw new VariantError("unexpected character or unterminated string");
    tokens.push(match[0].trimStart());
  }
  return tokens;
};

const unquoted = (token: string): string =>
  token.slice(1, -1).replace(/\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/g, (_, short, long, plain) => {
    if (plain === "u" || plain === "U") throw new VariantError("short unicode escape");
    if (plain !== undefined) return CONTROLS[plain] ?? plain;
    const code = Number.parseInt(short ?? long, 16);
    if (code > 0x10ffff) throw new VariantError("escape beyond unicode");
    return String.fromCodePoint(code);
  });

/** Ends with a zero byte, as GVariant's do. */
const bytesOf = (token: string): number[] => {
  const text = token
    .slice(2, -1)
    .replace(/\\(?:x([\da-fA-F]{2})|([0-3]?[0-7]{1,2})|([\s\S]))/g, (_, hex, octal, plain) =>
      plain !== undefined ? (CONTROLS[plain] ?? plain) : String.fromCharCode(hex ? Number.parseInt(hex, 16) : Number.parseInt(octal, 8)),
    );
  return [...Buffer.from(text, "latin1"), 0];
};

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new VariantError("unexpected end of text");
    return token;
  }

  #list<T>(end: string, one: () => T): T[] {
    const items: T[] = [];
    if (this.#tokens[this.#at] === end) this.#at++;
    else {
      for (let separator = ","; separator !== end; ) {
        items.push(one());
        separator = this.#next();
        if (separator !== "," && separator !== end) throw new VariantError(`unexpected ${JSON.stringify(separator)}`);
      }
    }
    return items;
  }

  #expect(wanted: string): void {
    const token = this.#next();
    if (token !== wanted) throw new VariantError(`unexpected ${JSON.stringify(token)}`);
  }

  whole(): Node {
    const node = this.#node("", 0);
    if (this.#at < this.#tokens.length) throw new VariantError(`unexpected ${JSON.stringify(this.#tokens[this.#at])}`);
    return node;
  }

  #node(declared: string, depth: number): Node {
    if (depth > DEEPEST) throw new VariantError("nested too deeply");
    const token = this.#next();
    const type = token.startsWith("@") ? token.slice(1) : Object.hasOwn(TYPE_NAMES, token) ? TYPE_NAMES[token] : "";
    if (type !== "") {
      if (declared !== "") throw new VariantError("unexpected type annotation");
      return this.#node(type, depth);
    }
    const inner = (): Node => this.#node("", depth + 1);
    if (token === "[") return { declared, kind: "array", items: this.#list("]", inner) };
    if (token === "<") {
      const node = inner();
      this.#expect(">");
      return { declared, kind: "variant", inner: node };
    }
    if (token === "{") {
      const entry = (): readonly [Node, Node] => {
        const key = inner();
        this.#expect(":");
        return [key, inner()];
      };
      return { declared, kind: "dictionary", entries: this.#list("}", entry) };
    }
    if (/^["']/.test(token)) return { declared, kind: "string", text: unquoted(token) };
    if (/^b["']/.test(token)) return { declared, kind: "bytes", bytes: bytesOf(token) };
    if (token === "true" || token === "false") return { declared, kind: "boolean", value: token === "true" };
    if (/^[-+]?[\d.]/.test(token)) return { declared, kind: "number", text: token };
    throw new VariantError(`unexpected ${JSON.stringify(token)}`);
  }
}

/** Of several that are one type: what is declared goes before what is guessed, and a fraction before a whole number. */
const common = (nodes: readonly Node[]): string => {
  const declared = nodes.find((node) => node.declared !== "");
  const types = nodes.map(typeOf);
  const type = declared?.declared ?? types.find((one) => one !== "" && one !== "i") ?? types.find((one) => one !== "");
  return type ?? "";
};

/** "": nothing tells. */
const typeOf = (node: Node): string => {
  if (node.declared !== "") return node.declared;
  switch (node.kind) {
    case "number":
      return /[.e]/.test(node.text) && !node.text.startsWith("0x") ? "d" : "i";
    case "string":
      return "s";
    case "boolean":
      return "b";
    case "bytes":
      return "ay";
    case "variant":
      return "v";
    case "array": {
      const item = common(node.items);
      return item === "" ? "" : `a${item}`;
    }
    case "dictionary": {
      const [key, value] = [common(node.entries.map(([one]) => one)), common(node.entries.map(([, one]) => one))];
      return key === "" || value === "" ? "" : `a{${key}${value}}`;
    }
  }
};

const wholeNumber = (text: string, type: string): string => {
  const [, sign, digits] = /^([-+]?)(0x[\da-fA-F]+|\d+)$/.exec(text) ?? [];
  if (digits === undefined) throw new VariantError(`${JSON.stringify(text)} is no whole number`);
  const size = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === "-" ? -size : size;
  const [least, most] = RANGES[type];
  if (value < least || value > most) throw new VariantError(`${JSON.stringify(text)} is out of range`);
  return String(value);
};

const mismatch = (node: Node, type: string): VariantError => new VariantError(`a ${node.kind} is no ${JSON.stringify(type)}`);

const wordsOf = (node: Node, type: string): string[] => {
  if (node.declared !== "" && node.declared !== type) throw mismatch(node, type);
  switch (node.kind) {
    case "number":
      if (type === "d" && Number.isFinite(Number(node.text))) return [String(Number(node.text))];
      if (!Object.hasOwn(RANGES, type)) throw mismatch(node, type);
      return [wholeNumber(node.text, type)];
    case "string":
      if (!/^[sog]$/.test(type)) throw mismatch(node, type);
      return [node.text];
    case "boolean":
      if (type !== "b") throw mismatch(node, type);
      return [String(node.value)];
    case "bytes":
      if (type !== "ay") throw mismatch(node, type);
      return [String(node.bytes.length), ...node.bytes.map(String)];
    case "variant": {
      if (type !== "v") throw mismatch(node, type);
      const inner = encoded(node.inner);
      return [inner.type, ...inner.words];
    }
    case "array":
      if (!type.startsWith("a") || type[1] === "{") throw mismatch(node, type);
      return [String(node.items.length), ...node.items.flatMap((item) => wordsOf(item, type.slice(1)))];
    case "dictionary": {
      const [, key, value] = /^a\{([a-z])(.+)\}$/.exec(type) ?? [];
      if (key === undefined) throw mismatch(node, type);
      return [String(node.entries.length), ...node.entries.flatMap(([name, one]) => [...wordsOf(name, key), ...wordsOf(one, value)])];
    }
  }
};

const encoded = (node: Node): Variant => {
  const type = typeOf(node);
  if (type === "") throw new VariantError("can't infer the type");
  return { type, words: wordsOf(node, type) };
};

export const parseVariant = (text: string): Variant => encoded(new Parser(text).whole());
