import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bankCommits, type RowChange } from "../src/bank.ts";
import { writeChangeLog } from "../src/change-log.ts";
import { debeziumMessages } from "../src/debezium.ts";
import { scratch, SMALL } from "./small-bank.ts";

test("a seed decides every byte of the topics, and another seed other bytes", async () => {
  const directory = await scratch();
  const bytesOf = async (name: string, seed: number): Promise<Buffer[]> => {
    const { files } = await writeChangeLog({ ...SMALL, seed }, join(directory, name));
    return Promise.all(files.map((file) => readFile(file)));
  };
  const first = await bytesOf("first", 7);
  expect(await bytesOf("second", 7)).toEqual(first);
  expect(await bytesOf("third", 8)).not.toEqual(first);
});

test("commits are in order of time, and the first of them is the snapshot of both tables", () => {
  const commits = [...bankCommits(SMALL)];
  expect(commits.map(({ at }) => at)).toEqual(
    commits.map(({ at }) => at).toSorted((a, b) => a - b),
  );
  expect(commits.filter(({ snapshot }) => snapshot)).toEqual([commits[0]]);
  expect(new Set(commits[0]!.changes.map(({ table }) => table))).toEqual(
    new Set(["customer_data", "transaction_data"]),
  );
});

test("a month has inserts, late arrivals, corrections, deletes and changed customers", () => {
  const changes = [...bankCommits(SMALL)]
    .filter(({ snapshot }) => !snapshot)
    .flatMap(({ at, changes }) => changes.map((change) => ({ at, change })));
  const many = (which: (change: RowChange, at: number) => boolean): number =>
    changes.filter(({ change, at }) => which(change, at)).length;
  const age = (time: string, at: number): number => at - Date.parse(`${time.replace(" ", "T")}Z`);
  expect(many(({ before }) => before === null)).toBeGreaterThan(2_000);
  expect(
    many(
      ({ table, before, after }, at) =>
        table === "transaction_data" && before === null && age(after!.Time, at) > 4 * 3_600_000,
    ),
  ).toBeGreaterThan(10);
  expect(
    many(
      ({ table, before, after }) =>
        table === "transaction_data" &&
        before !== null &&
        after !== null &&
        before.Amount !== after.Amount,
    ),
  ).toBeGreaterThan(50);
  expect(
    many(
      ({ table, before, after }) =>
        table === "transaction_data" &&
        before !== null &&
        after !== null &&
        before.Vendor === "Sending Out" &&
        before.Sources !== after.Sources,
    ),
  ).toBeGreaterThan(100);
  expect(many(({ after }) => after === null)).toBeGreaterThan(10);
  expect(
    many(
      ({ table, before, after }) => table === "customer_data" && before !== null && after !== null,
    ),
  ).toBeGreaterThan(5);
});

test("several changes of one database transaction have one commit time and rising LSNs", () => {
  const toMessages = debeziumMessages();
  let last = 0;
  let together = 0;
  for (const commit of bankCommits(SMALL)) {
    const sources = toMessages(commit).flatMap(({ line }) => {
      const { value } = JSON.parse(line) as { value: string | null };
      return value === null
        ? []
        : [(JSON.parse(value) as { source: { lsn: number; ts_us: number; txId: number } }).source];
    });
    expect(new Set(sources.map(({ ts_us, txId }) => `${ts_us} ${txId}`)).size).toBe(1);
    if (commit.snapshot) continue;
    if (sources.length > 1) together++;
    for (const { lsn } of sources) {
      expect(lsn).toBeGreaterThan(last);
      last = lsn;
    }
  }
  expect(together).toBeGreaterThan(10);
});
