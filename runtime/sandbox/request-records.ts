/** Records for the launcher: native/launcher/request.h. */

/** Texts are byte strings; the JSON has them as the characters U+0000..U+00FF, whatever carries it. */
export const encodeRecords = (records: readonly (readonly [string, string])[], config: unknown): Buffer => {
  const json = JSON.stringify(config).replace(/[\x80-\xff]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  const lines = [...records, ["config", json] as const].map(([key, value]) => `${key}=${value}`);
  return Buffer.from(`${lines.join("\0")}\0`, "latin1");
};
