/** Tests what a feature store does when its online file is deleted or replaced. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openStore, type Store } from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import {
  DAY,
  NOON,
  SECOND,
  ShopLog,
  date,
  hospital,
  payments,
  rejectionOf,
  user,
  weekly,
} from "../../core/test/support/shop.ts";
import { TRUST_TIME } from "../src/file-guard.ts";
import { sqliteOnlineStore } from "../src/index.ts";
import { inDirectory } from "./processes.ts";

const USERS = ["ann", "bob", "carl", "dora", "eve"];

const openAt = (file: string): Promise<Store> =>
  openStore({
    definitions: { user, payments, weekly, hospital },
    online: { store: sqliteOnlineStore(file), retention: "forever" },
    clock: () => date(NOON),
  });

/** A log in which each user paid `amount`. An entity has `rows` payments, enough for segments. */
function paidBy(amount: number, rows: number): ShopLog {
  const log = new ShopLog();
  for (let i = 0; i < rows; i++)
    for (const [n, name] of USERS.entries())
      log.paid({ id: i * USERS.length + n, user: name, amount, time: NOON - DAY + i * SECOND });
  return log;
}

const entities = USERS.map((user_id) => ({ user_id }));

/** What is asked: one entity, and all of them, which the answer cache reads with its counter. */
async function spent(store: Store): Promise<readonly (number | null)[]> {
  const features = weekly.spent_7d;
  const { spent_7d } = await store.getOnlineFeatures({ features, entity: entities[0]! });
  const rows = await store.getOnlineFeatures({ features: [features], entities });
  return [spent_7d, ...rows.map((row) => row.spent_7d)];
}

const each = (amount: number): readonly number[] => new Array(USERS.length + 1).fill(amount);

test.each([3, 400])(
  "a replaced file is answered from, and nothing of the former one, with %i rows an entity",
  { timeout: 60_000 },
  async (rows) => {
    await inDirectory(async (directory) => {
      const file = join(directory, "online.db");
      const store = await openAt(file);
      await store.run(paidBy(1, rows).source());
      for (let asked = 0; asked < 3; asked++) expect(await spent(store)).toEqual(each(rows));
      // the other file has the same cells with the same versions, and other values
      const other = await openAt(join(directory, "other.db"));
      await other.run(paidBy(2, rows).source());
      await other.close();
      for (const path of [file, `${file}-wal`, `${file}-shm`]) rmSync(path);
      expect((await rejectionOf(setTimeout(TRUST_TIME + 10).then(() => spent(store)))).code).toBe(
        "ONLINE_FILE_GONE",
      );
      renameSync(join(directory, "other.db"), file);
      for (let asked = 0; asked < 3; asked++) expect(await spent(store)).toEqual(each(2 * rows));
      await store.close();
    });
  },
);

/** A log that goes on after `first` until its reader is told to stop. */
function endless(log: ShopLog, first: number, onFirst: () => Promise<void>): ChangeSource {
  const whole = log.source({ batch: first });
  return {
    ...whole,
    async *changes(options) {
      let batches = 0;
      for await (const batch of whole.changes(options)) {
        if (batches++ === 1) await onFirst();
        yield batch;
      }
    },
  };
}

test("a run whose file is gone goes on when the file is back, and loses nothing", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openAt(file);
    const log = paidBy(1, 4);
    await store.run(
      endless(log, 10, async () => {
        renameSync(file, `${file}.away`);
        globalThis.setTimeout(() => {
          renameSync(`${file}.away`, file);
        }, 500);
      }),
      { onBackpressure: () => undefined },
    );
    expect(await spent(store)).toEqual(each(4));
    await store.close();
  });
});

test("a run whose file becomes an empty one ends by name, and the next run fills it", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openAt(file);
    const log = paidBy(1, 4);
    await store.run(log.source({ upTo: 10 }));
    const { code } = await rejectionOf(
      store.run(
        endless(log, 5, async () => {
          rmSync(file);
          writeFileSync(file, "");
        }),
        { onBackpressure: () => undefined },
      ),
    );
    expect(code).toBe("ONLINE_STORE_FENCED");
    await store.run(log.source());
    expect(await spent(store)).toEqual(each(4));
    await store.close();
  });
});
