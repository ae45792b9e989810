/**
 * Tests that what messages without a schema taught of decimals depends on the log alone. `1234` may
 * be digits or base64, and the column's earlier texts decide. A column that is declared later, and
 * a run that begins anywhere, read as a run from the start that declares the column.
 */
import { isTidemarkError } from "@tidemark/core";
import { changeReader } from "@tidemark/core/internal";
import type { Change, ColumnSpec, SourceSpec } from "@tidemark/core/spi";
import { debeziumDecoder, kafkaMessage } from "@tidemark/source-debezium";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { expect, test } from "vitest";
import { column } from "../support/sources.ts";

const { first, runs } = seedsFromEnvironment({ runs: 3_000 });

const sourceOf = (
  columns: readonly ColumnSpec[],
  primaryKey: readonly string[] = ["id"],
): SourceSpec => ({
  name: "payments",
  table: "public.payments",
  columns: [column("id", "int64", { nullable: false }), ...columns],
  primaryKey,
  eventTime: { kind: "committed", since: null },
  createdAt: null,
});
const amount = (
  type: ColumnSpec["type"],
  more: Partial<ColumnSpec> = {},
): readonly ColumnSpec[] => [column("amount", type, { database: "c", ...more })];
const money = (more: Partial<ColumnSpec> = {}): readonly ColumnSpec[] =>
  amount("decimal", { precision: 12, scale: 2, ...more });

const DEFINITIONS: readonly (readonly ColumnSpec[])[] = [
  [],
  amount("string"),
  amount("int64"),
  amount("float64"),
  amount("decimal"),
  money(),
  money({ precision: 38, scale: 5 }),
  money({ encoding: "digits" }),
  money({ encoding: "base64" }),
];

const DIGITS = ["1234", "12345678", "+123", "12e3", "10.50", "-7", "5", "NaN", "Infinity"];
const BASE64 = ["BBo=", "/w==", "1234", "12e3", "BBoA", "AQIDBA==", "none"];
const OTHERS = ["a b", "", "x\\u0041", "AAA\\/", "\\u0031234"];
const texts = fc.oneof(
  fc.array(fc.constantFrom(...DIGITS), { maxLength: 8 }),
  fc.array(fc.constantFrom(...BASE64), { maxLength: 8 }),
  fc.array(fc.constantFrom(...DIGITS, ...BASE64, ...OTHERS), { maxLength: 16 }),
);

interface Log {
  /** The texts of the column. The message's place in the list is its offset. */
  readonly texts: readonly string[];
  readonly isUnwrapped: boolean;
  /** The messages that go into the second partition. */
  readonly second: readonly boolean[];
  /** The messages before which a new run begins, with the positions of the run before. */
  readonly restarts: readonly number[];
}

const logs: fc.Arbitrary<Log> = fc.record({
  texts,
  isUnwrapped: fc.boolean(),
  second: fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
  restarts: fc.array(fc.nat({ max: 15 }), { maxLength: 3 }),
});

const block = { connector: "postgresql", schema: "public", table: "payments", ts_us: 9 };
const blockAt = (lsn: number): string => JSON.stringify({ ...block, lsn });
const topic = "bank.public.payments";

/** Decodes each message. `sourceAt` is the definition of a run from this message on. */
function streamed(
  { texts, isUnwrapped, second, restarts }: Log,
  sourceAt: (message: number) => SourceSpec,
  warnings: string[] = [],
): (Change | string)[] {
  const start = (message: number) =>
    debeziumDecoder().start({
      sources: [sourceAt(message)],
      onWarning: ({ code }) => warnings.push(code),
    });
  let run = start(0);
  const stopped = new Set<number>();
  return texts.map((text, i) => {
    if (restarts.includes(i)) {
      const states = [0, 1].map((partition) => run.state!(`${topic}:${partition}`));
      run = start(i);
      for (const [partition, state] of states.entries())
        run.resume!(
          `${topic}:${partition}`,
          JSON.parse(JSON.stringify(state ?? null)) ?? undefined,
        );
    }
    const row = `"id":${i},"c":"${text}"`;
    const meta = `"__deleted":"false","__op":"u","__lsn":${i},"__table":"payments"`;
    const value = isUnwrapped
      ? `{${row},${meta}}`
      : `{"before":null,"after":{${row}},"source":${blockAt(i)},"op":"u"}`;
    const partition = second[i] === true ? 1 : 0;
    // an error ends the run: nothing of the partition follows
    if (stopped.has(partition)) return "STOPPED";
    const at = { topic, partition, offset: i, timestamp: 1 };
    try {
      return run.decode(kafkaMessage({ ...at, key: `{"id":${i}}`, value })) as Change;
    } catch (error) {
      stopped.add(partition);
      return codeOf(error);
    }
  });
}

function codeOf(error: unknown): string {
  if (!isTidemarkError(error)) throw error;
  return error.code;
}

const reading = ({ kind, values, invalidColumns, nonFinite }: Change): object => ({
  kind,
  values,
  invalid: invalidColumns.map(({ reason }) => reason),
  nonFinite,
});

const STOPS = ["DECIMAL_ENCODING_UNCLEAR", "DECIMAL_WITHOUT_SCALE", "STOPPED"];

test("a column reads alike whatever was declared before, and wherever runs began", () => {
  const counts = { equal: 0, refused: 0 };
  const definition = fc.constantFrom(...DEFINITIONS);
  const property = fc.property(
    logs,
    definition,
    definition,
    definition,
    fc.constantFrom(["id"], ["amount"]),
    (log, before, after, asked, primaryKey) => {
      if (asked.length === 0) return;
      const source = sourceOf(asked, primaryKey);
      const wanted = streamed({ ...log, restarts: [] }, () => source);
      const middle = log.restarts[0] ?? 99;
      const logged = streamed(log, (i) => sourceOf(i < middle ? before : after));
      const read = changeReader(source);
      for (const [i, change] of logged.entries()) {
        const there = wanted[i]!;
        // a run under other definitions stopped, or the oracle did
        if (typeof change === "string") {
          expect(STOPS).toContain(change);
          continue;
        }
        let found: object | string;
        try {
          found = reading(read(change));
        } catch (error) {
          found = codeOf(error);
        }
        if (typeof there === "string") {
          // what stopped the oracle is refused here too
          if (there !== "STOPPED") expect({ i, found }).toEqual({ i, found: there });
          counts.refused++;
        } else {
          expect({ i, found }).toEqual({ i, found: reading(there) });
          counts.equal++;
        }
      }
    },
  );
  fc.assert(property, { seed: first, numRuns: runs });
  console.log(`seed ${first}, ${runs} logs: ${JSON.stringify(counts)}`);
  expect(counts.equal).toBeGreaterThan(counts.refused);
});

test("the format of a logged row is the same, whatever is declared and wherever runs began", () => {
  const property = fc.property(
    logs,
    fc.constantFrom(...DEFINITIONS.slice(0, 4)),
    fc.constantFrom(...DEFINITIONS.slice(0, 4)),
    (log, one, other) => {
      const formats = (log: Log, columns: readonly ColumnSpec[]): unknown[] =>
        streamed(log, () => sourceOf(columns)).map((change) =>
          typeof change === "string"
            ? null
            : (JSON.parse(change.logged!.format) as { readonly texts?: object }).texts,
        );
      const [a, b] = [formats(log, one), formats({ ...log, restarts: [] }, other)];
      for (const [i, texts] of a.entries())
        if (texts !== null && b[i] !== null) expect({ i, texts }).toEqual({ i, texts: b[i] });
    },
  );
  fc.assert(property, { seed: first, numRuns: runs });
});

const log = (texts: readonly string[], restarts: readonly number[] = []): Log => ({
  texts,
  isUnwrapped: false,
  second: [],
  restarts,
});
const values = (changes: readonly (Change | string)[]): unknown[] =>
  changes.map((change) => (typeof change === "string" ? change : change.values?.[1]));
const bytes = (text: string): bigint =>
  BigInt.asIntN(24, BigInt(`0x${Buffer.from(text, "base64").toString("hex")}`));

test("a run that begins after the clear texts knows them", () => {
  const base64 = log(["BBo=", "1234"], [1]);
  expect(values(streamed(base64, () => sourceOf(money())))).toEqual([1050n, bytes("1234")]);
  const digits = log(["10.50", "none", "1234"], [1, 2]);
  expect(values(streamed(digits, () => sourceOf(money())))).toEqual([1050n, null, 123400n]);
});

test("partitions do not teach each other, whose interleaving says nothing", () => {
  const two = { ...log(["BBo=", "1234"]), second: [false, true] };
  expect(values(streamed(two, () => sourceOf(money())))).toEqual([1050n, 123400n]);
});

test("a guess is told once, and not if the definition says the encoding", () => {
  const told = (texts: readonly string[], columns: readonly ColumnSpec[]): string[] => {
    const warnings: string[] = [];
    streamed(log(texts), () => sourceOf(columns), warnings);
    return warnings;
  };
  expect(told(["1234", "5678"], money())).toEqual(["DECIMAL_ENCODING_GUESSED"]);
  expect(told(["1234", "5678"], amount("int64"))).toEqual(["DECIMAL_ENCODING_GUESSED"]);
  expect(told(["BBoA"], money())).toEqual([
    "DECIMAL_ENCODING_GUESSED",
    "DECIMAL_SCALE_FROM_DEFINITION",
  ]);
  expect(told(["10.50", "1234"], money())).toEqual([]);
  expect(told(["1234"], money({ encoding: "digits" }))).toEqual([]);
  expect(told(["1234"], money({ encoding: "base64" }))).toEqual(["DECIMAL_SCALE_FROM_DEFINITION"]);
});

test("a declared encoding reads every text by itself; the other encoding is missing", () => {
  const texts = ["1234", "BBo=", "10.50", "none", "NaN", "-1"];
  const read = (encoding: ColumnSpec["encoding"]): unknown[] =>
    values(streamed(log(texts), () => sourceOf(money({ encoding }))));
  expect(read("digits")).toEqual([123400n, null, 1050n, null, null, -100n]);
  expect(read("base64")).toEqual([bytes("1234"), 1050n, null, bytes("none"), null, null]);
});

test("a column that goes from digits to base64 and back too often is refused by name", () => {
  const texts = [...Array.from({ length: 4 }, () => ["10.50", "BBo="]).flat(), "1234"];
  const read = streamed(log(texts), () => sourceOf(money()));
  expect(read.slice(0, 5).every((change) => typeof change !== "string")).toBe(true);
  expect(read[5]).toBe("DECIMAL_ENCODING_UNCLEAR");
});
