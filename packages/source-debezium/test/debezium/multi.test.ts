/**
 * Tests the fourth recording in any interleaving of its partitions, cut into any batches, stopped
 * and resumed anywhere. It must end in the tables that PostgreSQL held.
 *
 * The recording has three partitions, changes delivered twice after a killed Connect, key changes
 * across partitions, and a truncate. Its added fourth partition got no message. So half of the runs
 * move changes there whose rows lie in another partition.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Position, SourceSpec, Value } from "@tidemark/core/spi";
import { recordedTopic } from "@tidemark/source-debezium";
import { afterAll, expect, test } from "vitest";
import { EndState } from "../support/end-state.ts";
import { fixture, withoutWarnings } from "../support/fixtures.ts";
import { random } from "../support/seed.ts";
import { card, transactions } from "../support/sources.ts";

const SOURCES = [transactions, card];
const folder = mkdtempSync(join(tmpdir(), "tidemark-multi-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const micros = (text: string): number => Date.parse(`${text.replace(" ", "T")}Z`) * 1000;
const csv = (name: string): string[][] =>
  readFileSync(fixture(name), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
const FINAL: ReadonlyMap<SourceSpec, (readonly Value[])[]> = new Map([
  [
    transactions,
    csv("multi.transaction_data.final.csv").map(([id, user, tx, vendor, channel, time, amount]) => [
      BigInt(id!),
      user!,
      tx!,
      vendor!,
      channel!,
      micros(time!),
      Number(amount),
    ]),
  ],
  [
    card,
    csv("multi.card.final.csv").map(([card, user, opened]) => [
      card!,
      user!,
      Date.parse(opened!) / 86_400_000,
    ]),
  ],
]);

interface Line {
  readonly topic: string;
  partition: number;
  offset: string;
  readonly timestamp: string;
  readonly key: string;
  readonly value: string | null;
  readonly headers: Record<string, string>;
}
const recorded = ["transaction_data", "card"]
  .flatMap((table) =>
    readFileSync(fixture(`multi.public.${table}.jsonl`), "utf8")
      .trim()
      .split("\n"),
  )
  .map((line) => JSON.parse(line) as Line);
const ADDED = 1_795_431_245_000;

type Partitions = ReadonlyMap<string, readonly Line[]>;
function byPartition(lines: readonly Line[]): Partitions {
  const partitions = new Map<string, Line[]>();
  for (const line of lines) {
    const name = `${line.topic}:${line.partition}`;
    partitions.set(name, [...(partitions.get(name) ?? []), line]);
  }
  return partitions;
}
const asRecorded = byPartition(recorded);
let added = 0;
const withFourth = byPartition(
  recorded.map((line) =>
    line.topic.endsWith("transaction_data") &&
    Number(line.timestamp) > ADDED &&
    /\d*[02468]\D*$/.test(line.key)
      ? { ...line, partition: 3, offset: String(added++) }
      : line,
  ),
);
const last = (partitions: Partitions): Map<string, number> =>
  new Map([...partitions].map(([name, lines]) => [name, Number(lines.at(-1)!.offset)]));

/** Shuffles the partitions into one another. Each keeps its own order. */
function interleaved(partitions: Partitions, draw: (below: number) => number): string[] {
  const queues = [...partitions.values()].map((lines) => ({ lines, at: 0 }));
  const lines: string[] = [];
  for (
    let left = queues;
    left.length > 0;
    left = left.filter(({ lines, at }) => at < lines.length)
  ) {
    const queue = left[draw(left.length)]!;
    // Runs of any length: single messages up to a whole partition.
    for (
      let run = 1 + draw(draw(4) === 0 ? 60 : 4);
      run > 0 && queue.at < queue.lines.length;
      run--
    )
      lines.push(JSON.stringify(queue.lines[queue.at++]));
  }
  return lines;
}

test(
  "the recording has changes delivered twice, a key change across partitions, and rows of other " +
    "partitions in the fourth",
  () => {
    expect([asRecorded.size, withFourth.size]).toEqual([6, 7]);
    const places = recorded.flatMap(({ value }) =>
      value === null
        ? []
        : [
            /"table":"\w+"/.exec(value)![0] +
              /"lsn":\d+/.exec(value)![0] +
              /"op":"\w"/.exec(value)![0],
          ],
    );
    expect(places.length - new Set(places).size).toBeGreaterThan(20);
    expect(
      recorded.some(({ partition, headers }) =>
        recorded.some(
          ({ key, partition: other }) =>
            key === headers["__debezium.oldkey"] && other !== partition,
        ),
      ),
    ).toBe(true);
    const fourth = withFourth.get("multi.public.transaction_data:3")!;
    expect(
      fourth.some(({ key }) =>
        recorded.some(
          (line) => line.key === key && line.partition !== 3 && Number(line.timestamp) < ADDED,
        ),
      ),
    ).toBe(true);
  },
);

test("two hundred interleavings, batch cuts and restarts end in the same two tables", async () => {
  let batches = 0;
  let restarts = 0;
  for (let run = 0; run < 200; run++) {
    const draw = random(run);
    const path = join(folder, "topic.jsonl");
    const partitions = run % 2 === 0 ? asRecorded : withFourth;
    writeFileSync(path, interleaved(partitions, draw).join("\n") + (draw(2) === 0 ? "\n" : ""));
    const source = recordedTopic(path, { ...withoutWarnings, batchChanges: 1 + draw(40) });
    const states = SOURCES.map((source) => new EndState(source));
    const positions = new Map<string, Position>();
    for (let done = false; !done;) {
      done = true;
      for await (const batch of source.changes({
        sources: SOURCES,
        after: [...positions.values()],
      })) {
        for (const change of batch.changes) for (const state of states) state.apply(change);
        for (const position of batch.positions) positions.set(position.partition, position);
        batches++;
        if (draw(8) === 0) {
          restarts++;
          done = false;
          break;
        }
      }
    }
    SOURCES.forEach((source, s) => {
      expect(states[s]!.rows(), `run ${run}, ${source.name}`).toEqual(FINAL.get(source));
    });
    expect(new Map([...positions].map(([name, { offset }]) => [name, offset]))).toEqual(
      last(partitions),
    );
  }
  console.log(`multi: 200 interleavings, ${batches} batches, ${restarts} restarts`);
  expect(restarts).toBeGreaterThan(200);
});
