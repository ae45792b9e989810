import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DAY } from "../src/bank.ts";
import { userId } from "../src/customers.ts";
import { spending, weekly } from "../src/features.ts";
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
  expect(result).toEqual({ compared: 20 * (SMALL.users * 20 + 3 * 2), differing: 0 });
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

test("the spending of a user equals loops over the table's final rows", async () => {
  const { store } = await streamedBank(SMALL);
  const users = Array.from({ length: SMALL.users }, (_, i) => ({ user_id: userId(i) }));
  const answers = await store.getOnlineFeatures({ features: spending, entities: users });
  // the last midnight in Vietnam, 7 hours ahead of UTC, before 2025-06-13 00:00 UTC
  const today = Date.parse("2025-06-12T17:00:00Z");
  const monday = Date.parse("2025-06-08T17:00:00Z");
  users.forEach(({ user_id }, i) => {
    const own = finalTransactions(SMALL)
      .filter((row) => row["User ID"] === user_id && !/-32 /.test(row.Time))
      .map((row) => ({ ...row, at: Date.parse(`${row.Time.replace(" ", "T")}Z`) }))
      .toSorted((a, b) => b.at - a.at || b.id - a.id);
    const between = (from: number, to: number) => own.filter(({ at }) => from <= at && at < to);
    const cents = (rows: typeof own): string =>
      (rows.reduce((sum, row) => sum + Math.round(row.Amount * 100), 0) / 100).toFixed(2);
    const end = END.getTime();
    const week = between(end - 7 * DAY, end);
    const vendors = [...new Set(week.map((row) => row.Vendor))].toSorted();
    const ofVendor = (vendor: string) => week.filter((row) => row.Vendor === vendor);
    expect(answers[i]).toEqual({
      amount_1d_of_1w:
        week.length === 0 ? null : Number(cents(between(end - DAY, end))) / Number(cents(week)),
      last_vendors: own.slice(0, 5).map((row) => row.Vendor),
      amount_by_vendor_l1w: new Map(vendors.map((vendor) => [vendor, cents(ofVendor(vendor))])),
      num_everyday_l1w: {
        Grocery: ofVendor("Grocery").length,
        Restaurant: ofVendor("Restaurant").length,
      },
      amount_today: cents(between(today, end)),
      amount_last_week: cents(between(monday - 7 * DAY, monday)),
      num_by_day: [7, 6, 5, 4, 3, 2, 1].map(
        (day) => between(today - day * DAY, today - (day - 1) * DAY).length,
      ),
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
