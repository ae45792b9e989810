/**
 * Tests materialized days on the stores that users have: a process killed with -9 at every point,
 * and two processes at once.
 */
import type { MaterializeOptions } from "@tidemark/core";
import { valueAt } from "@tidemark/core/spi";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ChildEnd } from "@tidemark/testkit/child-process";
import { expect, test } from "vitest";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { startChildProgram } from "../src/child-programs.ts";
import { openBank, transactionsOn, USERS } from "../src/materialize-bank.ts";
import { inFolder, realStores } from "../src/real-stores.ts";

function run(folder: string, options: MaterializeOptions, dieAt: number): Promise<ChildEnd> {
  return startChildProgram("materialize.ts", [JSON.stringify({ folder, options, dieAt })]).ended;
}

async function table(folder: string): Promise<string[]> {
  const { offline } = realStores(folder);
  const rows: string[] = [];
  for await (const { length, vectors } of offline.scan("weekly_activity/features", {
    columns: [
      "date",
      "user_id",
      "event_timestamp",
      "num_transactions_l1w",
      "total_amount_l1w",
      "num_vendors_l1w",
    ],
  })) {
    for (let i = 0; i < length; i++)
      rows.push(vectors.map((vector) => String(valueAt(vector, i))).join(" "));
  }
  await offline.close();
  return rows.sort();
}

async function served(folder: string): Promise<string[]> {
  const store = await openBank(folder);
  const rows = await store.getMaterialized({
    view: weekly,
    entities: Array.from({ length: USERS }, (_, u) => ({ user_id: `user ${u}` })),
  });
  await store.close();
  return (rows as readonly unknown[]).map((row) => JSON.stringify(row));
}

/** Makes a folder where one day is materialized and rows of that week came since. */
async function ground(folder: string): Promise<void> {
  const store = await openBank(folder);
  await store.run(transactionsOn(["2025-06-10", "2025-06-12"], 0));
  await store.materialize({ from: "2025-06-11", to: "2025-06-14" });
  await store.run(transactionsOn(["2025-06-05", "2025-06-13"], 1000));
  await store.close();
}

for (const [name, options] of [
  ["days asked for", { from: "2025-06-12", to: "2025-06-16" }],
  ["incremental", { incremental: true, to: "2025-06-16" }],
] as const) {
  test(
    `${name}: killed with -9 at every point, it serves one whole day and can be rerun`,
    { timeout: 600_000 },
    async () => {
      await inFolder(async (folder) => {
        const base = join(folder, "base");
        await ground(base);
        const before = await served(base);
        const twin = join(folder, "twin");
        cpSync(base, twin, { recursive: true });
        const whole = await run(twin, options, 0);
        expect(whole.how, whole.stderr).toBe("0");
        const points = Number(whole.stdout);
        const [rows, now] = [await table(twin), await served(twin)];
        expect(points).toBeGreaterThan(15);
        expect(rows).toHaveLength(USERS * 5);
        expect(now).not.toEqual(before);
        for (let dieAt = 1; dieAt <= points; dieAt++) {
          const here = join(folder, "here");
          cpSync(base, here, { recursive: true });
          const died = await run(here, options, dieAt);
          expect(died.how, died.stderr).toBe("SIGKILL");
          expect([before, now]).toContainEqual(await served(here));
          const again = await run(here, options, 0);
          expect(again.how, again.stderr).toBe("0");
          expect(await table(here), `died at point ${dieAt} of ${points}`).toEqual(rows);
          expect(await served(here), `died at point ${dieAt} of ${points}`).toEqual(now);
          rmSync(here, { recursive: true });
        }
        console.log(`materialize, ${name}: killed at ${points} points`);
      });
    },
  );
}

test(
  "two processes at once: one is done, the other done or refused; both stores are whole",
  { timeout: 300_000 },
  async () => {
    await inFolder(async (folder) => {
      const twin = join(folder, "twin");
      await ground(twin);
      cpSync(twin, join(folder, "base"), { recursive: true });
      const options = { from: "2025-06-12", to: "2025-06-16" };
      await run(twin, options, 0);
      const [rows, now] = [await table(twin), await served(twin)];
      let told = 0;
      for (let round = 0; round < 5; round++) {
        const here = join(folder, `here-${round}`);
        cpSync(join(folder, "base"), here, { recursive: true });
        const ends = await Promise.all([run(here, options, 0), run(here, options, 0)]);
        expect(
          ends.some(({ how }) => how === "0"),
          ends.map(({ stderr }) => stderr).join(),
        ).toBe(true);
        for (const { how, stderr } of ends) {
          if (how === "0") continue;
          told++;
          expect(stderr).toContain("another run has begun to materialize view");
        }
        expect(await table(here)).toEqual(rows);
        expect(await served(here)).toEqual(now);
      }
      console.log(`materialize: of 10 runs at once ${told} were told`);
    });
  },
);

const python = pythonReaders();

suiteNeeding(python, "the features table in Python", () => {
  test(
    "delta-rs and DuckDB read its rows as they are, and a day by its partition",
    { timeout: 120_000 },
    async () => {
      await inFolder(async (folder) => {
        await ground(folder);
        const store = await openBank(folder);
        await store.materialize({ incremental: true, to: "2025-06-16" });
        await store.close();
        const rows = await table(folder);
        const script = fileURLToPath(new URL("python/read_features.py", import.meta.url));
        const reader = startPython(python.path, [
          script,
          join(folder, "lake/weekly_activity/features"),
        ]);
        const read = JSON.parse((await reader.succeeded()).stdout) as Record<
          string,
          unknown[][]
        > & { readonly oneDay: number };
        expect(read).toMatchObject({ partitionBy: ["date"], oneDay: USERS });
        for (const reader of ["deltaRs", "duckdb"])
          expect(read[reader]!.map((row) => row.map(String).join(" ")).sort()).toEqual(rows);
      });
    },
  );
});
