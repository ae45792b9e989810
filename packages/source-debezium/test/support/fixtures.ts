import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Change, SourceSpec } from "@tidemark/core/spi";
import { debeziumDecoder, type DecoderOptions, type LogMessage } from "@tidemark/source-debezium";
import { all, times } from "./sources.ts";

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

export function messages(name: string): LogMessage[] {
  return readFileSync(fixture(name), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const json = JSON.parse(line) as LogMessage;
      return { ...json, offset: Number(json.offset), timestamp: Number(json.timestamp) };
    });
}

export const quiet: DecoderOptions = { times, onWarning: () => {} };

export function decode(
  messages: readonly LogMessage[],
  sources: readonly SourceSpec[] = all,
  options = quiet,
): (Change | null)[] {
  const decoder = debeziumDecoder(sources, options);
  return messages.map((message) => decoder.decode(message));
}

/** A message with another value, key or headers. */
export function altered(message: LogMessage, changes: Partial<LogMessage>): LogMessage {
  return { ...message, ...changes };
}

/** The message with its value's text replaced. */
export function edited(message: LogMessage, from: string | RegExp, to: string): LogMessage {
  const value = message.value!.replace(from, to);
  if (value === message.value) throw new Error(`nothing to replace: ${String(from)}`);
  return { ...message, value };
}
