import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Change, SourceSpec } from "@tidemark/core/spi";
import {
  debeziumDecoder,
  type DebeziumOptions,
  kafkaMessage,
  type OnWarning,
  type RecordedMessage,
} from "@tidemark/source-debezium";
import { all, times } from "./sources.ts";

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

export function messages(name: string): RecordedMessage[] {
  return readFileSync(fixture(name), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const json = JSON.parse(line) as RecordedMessage;
      return { ...json, offset: Number(json.offset), timestamp: Number(json.timestamp) };
    });
}

/** The options of a run of Debezium's decoder. */
export interface DecodeOptions extends DebeziumOptions {
  readonly onWarning?: OnWarning;
}

export const withoutWarnings: DecodeOptions = { times, onWarning: () => {} };

/** Starts a run of Debezium's decoder. Gives the function that decodes a message of the run. */
export function startDecoder(
  sources: readonly SourceSpec[],
  { onWarning = () => {}, ...options }: DecodeOptions = {},
): (message: RecordedMessage) => Change | null {
  const decoder = debeziumDecoder(options).start({ sources, onWarning });
  return (message) => {
    const decoded = decoder.decode(kafkaMessage(message));
    return decoded !== null && "skipped" in decoded ? null : decoded;
  };
}

export function decode(
  messages: readonly RecordedMessage[],
  sources: readonly SourceSpec[] = all,
  options = withoutWarnings,
): (Change | null)[] {
  return messages.map(startDecoder(sources, options));
}

/** Replaces parts of a message, such as its value, key or headers. */
export function withParts(
  message: RecordedMessage,
  changes: Partial<RecordedMessage>,
): RecordedMessage {
  return { ...message, ...changes };
}

/** Replaces text in the value of a message. */
export function withText(
  message: RecordedMessage,
  from: string | RegExp,
  to: string,
): RecordedMessage {
  const value = message.value!.replace(from, to);
  if (value === message.value) throw new Error(`nothing to replace: ${String(from)}`);
  return { ...message, value };
}
