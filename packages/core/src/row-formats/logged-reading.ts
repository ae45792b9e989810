/** What a logged row says under a definition. */
import type { Change } from "../spi.ts";

/** The members of a change that depend on the definition of its source. */
export type LoggedReading = Pick<
  Change,
  | "kind"
  | "values"
  | "oldKey"
  | "unavailable"
  | "undeclaredUnavailable"
  | "invalidColumns"
  | "undecodable"
  | "nonFinite"
>;

/** What every reading has that is no row: no value, and nothing wrong with one. */
export const NOTHING_READ: Omit<LoggedReading, "kind" | "values"> = {
  oldKey: null,
  unavailable: [],
  undeclaredUnavailable: undefined,
  invalidColumns: [],
  undecodable: null,
  nonFinite: 0,
};

/** The reading of a message that changes no row. */
export const NO_ROW: LoggedReading = { ...NOTHING_READ, kind: "none", values: null };

/** The reading of a row without a readable primary key. */
export function withoutKey({ topic, partition, offset }: Change): LoggedReading {
  const message = `${topic}:${partition}, offset ${offset}: no primary key can be read`;
  return { ...NO_ROW, undecodable: { reason: "KEY_UNREADABLE", message } };
}
