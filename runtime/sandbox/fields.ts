/** Checked reading of parsed JSON: each message names the field that is wrong. */

export type Fields = Record<string, unknown>;

export const refuse = (path: string, expected: string): never => {
  throw new Error(`sandbox config: ${path} must be ${expected}`);
};

export const record = (value: unknown, path: string): Fields => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(path, "an object");
  return value as Fields;
};

export const checkText = (value: unknown, path: string): string => {
  if (typeof value !== "string" || value.includes("\0")) refuse(path, "text without NUL bytes");
  return value as string;
};

export const text = (from: Fields, key: string, path: string): string => checkText(from[key], `${path}.${key}`);

export const guestPath = (from: Fields, key: string, path: string): string => {
  const value = text(from, key, path);
  if (!value.startsWith("/")) refuse(`${path}.${key}`, "an absolute path");
  return value;
};

export const checkInteger = (value: unknown, path: string, least: number, most: number): number => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    refuse(path, `an integer from ${least} to ${most}`);
  }
  return value as number;
};

export const integer = (from: Fields, key: string, path: string, least: number, most: number): number =>
  checkInteger(from[key], `${path}.${key}`, least, most);

export const flag = (from: Fields, key: string, path: string): boolean => {
  const value = from[key];
  if (typeof value !== "boolean") refuse(`${path}.${key}`, "true or false");
  return value as boolean;
};

export const list = (from: Fields, key: string, path: string): unknown[] => {
  const value = from[key];
  if (!Array.isArray(value)) refuse(`${path}.${key}`, "a list");
  return value as unknown[];
};

export const texts = (from: Fields, key: string, path: string): string[] =>
  list(from, key, path).map((item, index) => checkText(item, `${path}.${key}[${index}]`));

/** The value, or what `read` makes of it when it is not null. */
export const nullable = <T>(value: unknown, read: (value: unknown) => T): T | null => (value === null ? null : read(value));
