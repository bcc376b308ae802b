/** Numbers and strings as strace(1) writes them. */

/** strace's default for -s. */
export const STRING_LIMIT = 32;
/** Elements of an array that are printed before "...". */
export const ARRAY_LIMIT = 32;

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x09, "\\t"],
  [0x0a, "\\n"],
  [0x0b, "\\v"],
  [0x0c, "\\f"],
  [0x0d, "\\r"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);

const isOctalDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x37;

/** A C string literal; an octal escape is as short as the byte behind it allows. */
const escapeBytes = (bytes: Uint8Array): string => {
  let text = "";
  for (const [index, byte] of bytes.entries()) {
    const known = ESCAPES.get(byte);
    if (known !== undefined) text += known;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${byte.toString(8).padStart(isOctalDigit(bytes[index + 1]) ? 3 : 1, "0")}`;
  }
  return text;
};

/** `total`: how long the string really is, if only its start was read. */
export const quoteBytes = (bytes: Uint8Array, total = bytes.length, limit = STRING_LIMIT): string =>
  `"${escapeBytes(bytes.subarray(0, limit))}"${total > limit ? "..." : ""}`;

export const latin1Bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Guest names must not be able to forge a line of the log. */
export const escapeText = (text: string): string => escapeBytes(latin1Bytes(text));

/** Paths are never shortened. */
export const quotePath = (path: string): string => `"${escapeText(path)}"`;

export const hex = (value: number): string => `0x${value.toString(16)}`;

/** All 64 bits, which a double cannot hold. */
export const hex64 = (lo: number, hi: number): string =>
  hi === 0 ? hex(lo >>> 0) : `${hex(hi >>> 0)}${(lo >>> 0).toString(16).padStart(8, "0")}`;

/** An address: NULL has a name. */
export const pointer = (addr: number): string => (addr === 0 ? "NULL" : hex(addr));

export const octal = (value: number): string => (value === 0 ? "0" : `0${value.toString(8)}`);

/** A mode_t's permissions: at least three digits, as in chmod(1). */
export const permissions = (value: number): string => `0${value.toString(8).padStart(3, "0")}`;

export const list = (items: readonly string[], isCut = false): string => `[${items.join(", ")}${isCut ? ", ..." : ""}]`;

/** The bytes before the first NUL as a quoted string. */
export const quoteCString = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return quoteBytes(end < 0 ? bytes : bytes.subarray(0, end), undefined, bytes.length);
};
