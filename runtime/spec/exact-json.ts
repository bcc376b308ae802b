/** JSON whose integers are exact: seccomp compares 64 bits, of which a double holds 53. */

/** Strings are matched too, so that digits in them stay what they are. */
const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
/** No text of a config may begin so: NUL is refused everywhere. */
const MARK = "\0integer:";

/** As JSON.parse, with a bigint for an integer that a double may not hold. */
export const parseExactly = (json: string): unknown => {
  let hasLong = false;
  const marked = json.replace(STRING_OR_LONG_INTEGER, (token) => {
    if (token.startsWith('"')) return token;
    hasLong = true;
    return JSON.stringify(`${MARK}${token}`);
  });
  if (!hasLong) return JSON.parse(json);
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
};
