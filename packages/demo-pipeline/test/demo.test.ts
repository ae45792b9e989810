import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DAY } from "../src/bank.ts";
import { userId } from "../src/customers.ts";
import { weekly } from "../src/features.ts";
import { demo } from "../src/embedded.ts";
import { END, finalTransactions, scratch, SMALL, streamedBank } from "./small-bank.ts";

test("the whole flow of a small bank: stream and history do not differ in a value", async () => {
  const directory = await scratch();
  let text = "";
  const result = await demo({
    bank: SMALL,
    directory: join(directory, "demo"),
    labels: 500,
    output: {
      write: (more) => {
        text += more;
      },
    },
  });
  expect(result).toEqual({ compared: 20 * SMALL.users * 11, differing: 0 });
  for (const said of [
    "values compared, 0 differ",
    "as corrected, because",
    "NOT_FOUND",
    "NOT_A_TIME",
    "100 %",
    "history, Delta tables",
  ])
    expect(text).toContain(said);
  expect(text).not.toContain("\u001b");
  expect((await readdir(join(directory, "demo"))).toSorted()).toEqual([
    "lake",
    "online.db",
    "topics",
  ]);
});

test("the seven features of a user equal a reduction of the table's final rows", async () => {
  const { store } = await streamedBank(SMALL);
  const rows = finalTransactions(SMALL);
  const from = new Date(END.getTime() - 7 * DAY).toISOString().slice(0, 19).replace("T", " ");
  const users = Array.from({ length: SMALL.users }, (_, i) => ({ user_id: userId(i) }));
  const answers = await store.getOnlineFeatures({ features: weekly, entities: users });
  users.forEach(({ user_id }, i) => {
    // No row lies after the end of the month, and text of this form sorts as its times do.
    const own = rows.filter(
      (row) => row["User ID"] === user_id && !/-32 /.test(row.Time) && row.Time >= from,
    );
    const cents = own.reduce((sum, row) => sum + Math.round(row.Amount * 100), 0);
    const answer = answers[i]!;
    expect(answer).toEqual({
      num_transactions_l1w: own.length,
      total_amount_l1w: expect.closeTo(cents / 100, 6) as number,
      avg_amount_l1w:
        answer.num_transactions_l1w === 0
          ? null
          : answer.total_amount_l1w / answer.num_transactions_l1w,
      min_amount_l1w: own.length === 0 ? null : Math.min(...own.map((row) => row.Amount)),
      max_amount_l1w: own.length === 0 ? null : Math.max(...own.map((row) => row.Amount)),
      num_vendors_l1w: new Set(own.map((row) => row.Vendor)).size,
      num_sources_l1w: new Set(own.map((row) => row.Sources)).size,
    });
  });
});

test("every message is taken; only the rows made invalid are quarantined", async () => {
  const { store, log, topic, changes } = await streamedBank(SMALL);
  expect(changes).toBe(log.messages);
  expect([...topic.skipped]).toEqual([]);
  const odd = finalTransactions(SMALL).filter(
    (row) => row["User ID"] === null || row.Time.slice(8, 10) === "32",
  );
  expect(odd.length).toBeGreaterThan(1);
  const quarantined = await store.quarantine("transactions");
  expect(quarantined.map(({ key }) => Number(key["id"])).toSorted((a, b) => a - b)).toEqual(
    odd.map((row) => row.id).toSorted((a, b) => a - b),
  );
  expect(new Set(quarantined.map(({ column }) => column))).toEqual(new Set(["time", "user_id"]));
  expect(await store.quarantine("customers")).toEqual([]);
});

test("an aborted run ends with its signal's reason, and the next one begins anew", async () => {
  const directory = join(await scratch(), "demo");
  const abort = new AbortController();
  const output = {
    write: (text: string): void => {
      if (text.includes(" of ")) abort.abort();
    },
  };
  await expect(
    demo({ bank: SMALL, directory, labels: 100, output, signal: abort.signal }),
  ).rejects.toThrow(/abort/i);
  expect(abort.signal.aborted).toBe(true);
  await expect(
    demo({ bank: SMALL, directory, labels: 100, output: { write: () => true } }),
  ).resolves.toMatchObject({ differing: 0 });
});
