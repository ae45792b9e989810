/** Tests keys that the log does not keep, because the row repeats them. */
import { changeReader } from "@tidemark/core/internal";
import type { Change, SourceSpec } from "@tidemark/core/spi";
import { debeziumDecoder, kafkaMessage } from "@tidemark/source-debezium";
import { expect, test } from "vitest";
import { column } from "../support/sources.ts";

const payments: SourceSpec = {
  name: "payments",
  table: "public.payments",
  columns: [column("id", "int64", { nullable: false, database: "Id" }), column("part", "int32")],
  primaryKey: ["id"],
  eventTime: { kind: "committed", since: null },
  createdAt: null,
};
const source = { connector: "postgresql", schema: "public", table: "payments", lsn: 5, ts_us: 9 };

function decoder(): (key: string, row: string, op?: string) => Change {
  const run = debeziumDecoder().start({ sources: [payments], onWarning: () => {} });
  return (key, row, op = "u") => {
    const [before, after] = op === "d" ? [row, "null"] : ["null", row];
    const images = `"before":${before},"after":${after}`;
    const value = `{${images},"source":${JSON.stringify(source)},"op":"${op}"}`;
    const at = { topic: "bank.public.payments", partition: 0, offset: 3, timestamp: 1 };
    return run.decode(kafkaMessage({ ...at, key, value })) as Change;
  };
}

const keyMembers = ({ logged }: Change): unknown =>
  (JSON.parse(logged!.format) as { readonly keyMembers?: unknown }).keyMembers;

const schema = JSON.stringify({
  type: "struct",
  fields: [{ type: "int64", optional: false, field: "Id" }],
});

// prettier-ignore
const REPEATED: readonly [string, string, string, readonly string[]][] = [
  ["one member", '{"Id":9007199254740993}', '{"Id":9007199254740993,"part":1}', ["Id"]],
  ["a member with its schema", `{"schema":${schema},"payload":{"Id":7}}`, '{"part":1,"Id":7}', ["Id"]],
  ["several members", '{"part":1,"Id":7}', '{"Id":7,"other":"x","part":1}', ["part", "Id"]],
  ["a member that no definition reads", '{"no":"a\\"b"}', '{"Id":7,"no":"a\\"b"}', ["no"]],
];

test.each(REPEATED)("a row repeats a key of %s", (_, key, row, names) => {
  for (const op of ["u", "d"]) {
    const change = decoder()(key, row, op);
    expect(change.logged).toMatchObject({ key: null, row });
    expect(keyMembers(change)).toEqual(names);
  }
});

// prettier-ignore
const KEPT: readonly [string, string, string][] = [
  ["another value", '{"Id":8}', '{"Id":7}'],
  ["other digits of the value", '{"Id":7.0}', '{"Id":7}'],
  ["a part of the value", '{"Id":7}', '{"Id":77}'],
  ["the value's beginning", '{"Id":77}', '{"Id":7}'],
  ["spaces", '{ "Id":7}', '{"Id":7}'],
  ["a member twice", '{"Id":7,"Id":7}', '{"Id":7}'],
  ["a member that the row lacks", '{"Id":7,"x":1}', '{"Id":7}'],
  ["a bare value", "7", '{"Id":7}'],
  ["more behind it", '{"Id":7} ', '{"Id":7}'],
];

test.each(KEPT)(
  "a key with %s stays as it is, also after one that the row repeats",
  (_, key, row) => {
    const decode = decoder();
    decode('{"Id":1}', '{"Id":1}');
    const change = decode(key, row);
    expect(change.logged).toMatchObject({ key, row });
    expect(keyMembers(change)).toBe(undefined);
    expect(decode('{"Id":2}', '{"Id":2}').logged!.key).toBe(null);
  },
);

test("a delete's key is read under another primary key, with the schema of the key", () => {
  const key = `{"schema":${schema},"payload":{"Id":7}}`;
  const renamed: SourceSpec = {
    ...payments,
    columns: [column("number", "int64", { nullable: false, database: "Id" })],
    primaryKey: ["number"],
  };
  const deleted = decoder()(key, '{"Id":7,"part":null}', "d");
  expect(changeReader(renamed)(deleted)).toMatchObject({ kind: "delete", values: [7n] });
});
