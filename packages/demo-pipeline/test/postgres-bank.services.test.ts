/** Tests the bank in a real PostgreSQL. */
import { ownDatabase } from "@tidemark/testkit/services/shared";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { realPipeline, suiteNeeding } from "@tidemark/testkit/needs";
import { DAY, type BankSettings } from "../src/bank.ts";
import type { Customer } from "../src/customers.ts";
import { initialCustomers } from "../src/bank-events.ts";
import { createBank, writeCustomers, writeDay, type BankConfig } from "../src/postgres-bank.ts";
import { finalTransactions } from "./small-bank.ts";

const BANK: BankConfig = { seed: 7, users: 40, transactionsPerDay: 200, invalidEvery: 300 };
const dates = (settings: BankSettings): string[] =>
  Array.from({ length: settings.days }, (_, i) =>
    new Date(settings.start.getTime() + i * DAY).toISOString().slice(0, 10),
  );

suiteNeeding(realPipeline(), "the bank in PostgreSQL", () => {
  /** Makes a database with the bank's tables. */
  async function bankDatabase(): Promise<pg.Pool> {
    const pool = new pg.Pool({ connectionString: (await ownDatabase()).url });
    // a stopping server reports an error to closing connections too
    pool.on("error", () => undefined);
    onTestFinished(() => pool.end());
    await createBank(pool);
    return pool;
  }

  const rowsOf = async (pool: pg.Pool, table = "transaction_data"): Promise<unknown[]> =>
    (await pool.query(`SELECT * FROM public.${table} ORDER BY id`)).rows;
  const count = async (pool: pg.Pool): Promise<number> =>
    Number(
      (await pool.query<{ n: string }>("SELECT count(*) AS n FROM public.transaction_data"))
        .rows[0]!.n,
    );

  test("a day written twice has the rows of once, and says that it was there", async () => {
    const pool = await bankDatabase();
    const first = await writeDay(pool, BANK, "2025-06-14");
    expect(first).toMatchObject({ written: true });
    const rows = await rowsOf(pool);
    expect(rows.length).toBe(first.transaction_data.inserted - first.transaction_data.deleted);
    expect(rows.length).toBeGreaterThan(190);
    expect(await writeDay(pool, BANK, "2025-06-14")).toMatchObject({
      written: false,
      transaction_data: { inserted: 0, updated: 0, deleted: 0 },
    });
    expect(await rowsOf(pool)).toEqual(rows);
  });

  test("the second day adds rows, and changes and deletes rows of the first", async () => {
    const pool = await bankDatabase();
    await writeDay(pool, BANK, "2025-06-14");
    const before = await count(pool);
    const {
      transaction_data: { inserted, updated, deleted },
    } = await writeDay(pool, BANK, "2025-06-15");
    expect(await count(pool)).toBe(before + inserted - deleted);
    expect([inserted > 190, updated > 10, deleted > 0]).toEqual([true, true, true]);
  });

  test("writers of one day at the same time write it once", async () => {
    const pool = await bankDatabase();
    const alone = await bankDatabase();
    const written = await Promise.all(
      Array.from({ length: 8 }, () => writeDay(pool, BANK, "2025-06-14")),
    );
    expect(written.filter((one) => one.written).length).toBe(1);
    await writeDay(alone, BANK, "2025-06-14");
    expect(await rowsOf(pool)).toEqual(await rowsOf(alone));
  });

  test("tables are made by many at once, and kept where they are", async () => {
    const pool = await bankDatabase();
    await writeDay(pool, BANK, "2025-06-14");
    const rows = await count(pool);
    await pool.query("DROP TABLE public.customer_data");
    await Promise.all(Array.from({ length: 6 }, () => createBank(pool)));
    expect([await count(pool), await rowsOf(pool, "customer_data")]).toEqual([rows, []]);
  });

  test("days in order leave exactly the rows of the bank without a database", async () => {
    const pool = await bankDatabase();
    const settings: BankSettings = { ...BANK, days: 12, start: new Date("2025-06-01T00:00:00Z") };
    // The embedded bank opens on its first day: it lacks the late events of earlier days.
    const opened = settings.start.getTime() / DAY;
    await writeCustomers(pool, settings);
    for (const date of dates(settings)) await writeDay(pool, settings, date);
    await pool.query("DELETE FROM public.transaction_data WHERE id < $1", [opened * 1_000_000]);
    const { rows } = await pool.query<Record<string, unknown>>(
      `SELECT * FROM public.transaction_data ORDER BY id`,
    );
    expect(rows.map((row) => ({ ...row, id: Number(row["id"]) }))).toEqual(
      finalTransactions(settings).toSorted((a, b) => a.id - b.id),
    );
    expect(rows.length).toBeGreaterThan(2_000);
  });

  test("customers are written once, and one who left does not come back", async () => {
    const pool = await bankDatabase();
    const settings: BankSettings = {
      ...BANK,
      users: 400,
      days: 12,
      start: new Date("2025-06-01T00:00:00Z"),
    };
    expect((await writeCustomers(pool, settings)).customer_data.inserted).toBe(400);
    let left = 0;
    for (const date of dates(settings))
      left += (await writeDay(pool, settings, date)).customer_data.deleted;
    expect(left).toBeGreaterThan(0);
    expect((await writeCustomers(pool, settings)).written).toBe(false);
    const first = new Map(initialCustomers(settings).map((one) => [one.id, one]));
    const rows = await pool.query<Customer>(
      `SELECT id, name, gender, "birth date" - date '1970-01-01' AS "birth date", ` +
        "created FROM public.customer_data ORDER BY id",
    );
    expect(rows.rowCount).toBe(400 - left);
    expect(
      rows.rows.map(({ id, name, gender, "birth date": born }) => ({ id, name, gender, born })),
    ).toEqual(
      rows.rows.map(({ id }) => {
        const { name, gender, "birth date": born } = first.get(id)!;
        return { id, name, gender, born };
      }),
    );
  });

  test("a day of another seed, and a day that no calendar knows, are refused", async () => {
    const pool = await bankDatabase();
    await writeDay(pool, BANK, "2025-06-14");
    await expect(writeDay(pool, { ...BANK, seed: 8 }, "2025-06-14")).rejects.toThrow(
      /2025-06-14 was written with seed 7, not 8/,
    );
    for (const date of ["2025-06-31", "2025-6-1", "yesterday"])
      expect(() => writeDay(pool, BANK, date)).toThrow(/is no day/);
    // the refused write left no open transaction
    expect(await writeDay(pool, BANK, "2025-06-14")).toMatchObject({ written: false });
  });
});
