/** Messages of a table `public.t` with the columns `id` and `c`, and how they are read. */
import type { Change, ColumnSpec, SourceSpec, Value } from "@tidemark/core/spi";
import type { RecordedMessage } from "@tidemark/source-debezium";
import { type DecodeOptions, startDecoder } from "./fixtures.ts";
import { column } from "./sources.ts";

/** 2025-06-05T09:00:00Z, µs: the commit time of the messages. */
export const COMMITTED = 1_749_114_000_000_000;

export const sourceOf = (
  columns: readonly ColumnSpec[],
  more: Partial<SourceSpec> = {},
): SourceSpec => ({
  name: "t",
  table: "public.t",
  columns: [column("id", "int64", { nullable: false }), ...columns],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
  ...more,
});

/** A message with the row, which is JSON text. `fields` are the schema of its columns. */
export function messageOf(
  after: string,
  { fields, block = {} }: { readonly fields?: readonly object[]; readonly block?: object } = {},
): RecordedMessage {
  const origin = { ts_us: COMMITTED, schema: "public", table: "t", lsn: 1, ...block };
  const payload = `{"before":null,"after":${after},"source":${JSON.stringify(origin)},"op":"c"}`;
  const schema = {
    type: "struct",
    fields: [
      { type: "struct", fields, field: "after" },
      { type: "struct", fields: [], field: "source" },
    ],
  };
  return {
    topic: "p.public.t",
    partition: 0,
    offset: 7,
    timestamp: COMMITTED / 1000 + 120,
    key: '{"id":1}',
    value:
      fields === undefined ? payload : `{"schema":${JSON.stringify(schema)},"payload":${payload}}`,
    headers: {},
  };
}

export const idField: object = { type: "int64", field: "id" };

/** Reads the values of column `c`, in one run. A text is the reason why there is none. */
export function readValues(
  source: SourceSpec,
  messages: readonly RecordedMessage[],
  options: DecodeOptions = {},
): (Value | undefined)[] {
  return readChanges(source, messages, options).map(
    ({ values, invalidColumns, undecodable }) =>
      undecodable?.reason ?? invalidColumns[0]?.reason ?? values![1],
  );
}

export function readChanges(
  source: SourceSpec,
  messages: readonly RecordedMessage[],
  options: DecodeOptions = {},
): Change[] {
  const decode = startDecoder([source], options);
  return messages.map((message) => decode(message)!);
}

/** Collects the warnings of runs. */
export function warnings(): {
  readonly codes: string[];
  readonly texts: string[];
  readonly onWarning: (warning: { readonly code: string; readonly message: string }) => void;
} {
  const codes: string[] = [];
  const texts: string[] = [];
  return {
    codes,
    texts,
    onWarning({ code, message }) {
      codes.push(code);
      texts.push(message);
    },
  };
}
