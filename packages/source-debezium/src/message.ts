/** One message of a topic, as it is on the wire. */
import { createHash } from "node:crypto";

export interface LogMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's time in ms. */
  readonly timestamp: number | null;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

/** `topic:partition`, as positions name it. */
export const partitionName = (message: LogMessage): string =>
  `${message.topic}:${message.partition}`;

/** By which a position knows its message again: the broker's time and the key. */
export function checkpoint({ timestamp, key }: Pick<LogMessage, "timestamp" | "key">): string {
  return `${timestamp ?? ""}:${key === null ? "" : createHash("sha256").update(key).digest("base64url").slice(0, 16)}`;
}
