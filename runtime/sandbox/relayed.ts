/**
 * Messages of a container that lives in another one's sandbox: its own sentry, which only relays, wraps them into the text of
 * a control message, for the connection's number and argument are taken.
 */
export interface Relayed {
  /** Of control-protocol.ts or supervisor-protocol.ts. */
  readonly kind: number;
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export const packRelayed = ({ kind, x, y, text }: Relayed): string => `${kind} ${x} ${y}\n${text}`;

/** Null: it is none. */
export const unpackRelayed = (packed: string): Relayed | null => {
  const match = /^(\d{1,3}) (-?\d{1,10}) (-?\d{1,10})\n/.exec(packed);
  if (match === null) return null;
  return { kind: Number(match[1]), x: Number(match[2]) | 0, y: Number(match[3]) | 0, text: packed.slice(match[0].length) };
};
