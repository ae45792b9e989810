/**
 * Law 11 and decimals without schemas, over stores: an answer does not depend on the columns that
 * were declared before, nor on where runs began. A change of a scale of base64 is named.
 */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  count,
  decimal,
  entity,
  featureView,
  int64,
  isTidemarkError,
  max,
  openStore,
  source,
  string,
  timestamp,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { recordedTopic } from "@tidemark/source-debezium";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "tidemark-decimals-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const { first, runs } = seedsFromEnvironment({ runs: 100 });

const T = 1_749_114_000_000_000;
const account = entity("account", { keys: { account: string() } });
const columns = { id: int64("id"), account: string("account"), paid_at: timestamp("paid_at") };
const table = { table: "public.payments", primaryKey: ["id"], eventTime: "paid_at" } as const;

function withAmount(scale: number) {
  const amount = decimal("amount", { precision: 12, scale }).nullable();
  const payments = source("payments", { ...table, columns: { ...columns, amount } });
  const most = max(payments.amount).over("7d");
  return featureView("v", { entity: account, source: payments, features: { most } });
}
const withoutAmount = featureView("v", {
  entity: account,
  source: source("payments", { ...table, columns }),
  features: { num: count().over("7d") },
});
const scale2 = withAmount(2);
type View = typeof scale2 | typeof withoutAmount;

function bank() {
  const path = join(folder, `${Math.random()}.jsonl`);
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  let offset = 0;
  const warnings: string[] = [];
  const open = (view: View): Promise<Store> =>
    openStore({
      definitions: { view },
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: memoryOfflineStore(offline),
      clock: () => new Date(T / 1000 + 60_000),
      onDefinitionMismatch: "ignore",
    });
  return {
    open,
    warnings,
    deliver(amount: string): void {
      const id = offset++;
      const block = { connector: "postgresql", name: "bank", db: "bank", schema: "public" };
      const value = {
        before: null,
        after: { id, account: `a${id}`, paid_at: T + id, amount },
        source: { ...block, table: "payments", lsn: id + 1, ts_us: T + id },
        op: "c",
      };
      const message = { topic: "bank.public.payments", partition: 0, offset: id, key: null };
      appendFileSync(path, `${JSON.stringify({ ...message, value })}\n`);
    },
    async run(view: View): Promise<void> {
      const store = await open(view);
      const onWarning = ({ code }: { readonly code: string }) => warnings.push(code);
      await store.run(recordedTopic(path, { onWarning }), { mismatch: "ignore" });
      await store.close();
    },
    /** The amount of each account, online after a backfill. */
    async amounts(): Promise<readonly unknown[]> {
      const store = await open(scale2);
      await store.backfill();
      const entities = Array.from({ length: offset }, (_, id) => ({ account: `a${id}` }));
      const rows = await store.getOnlineFeatures({ features: scale2, entities });
      await store.close();
      return rows.map(({ most }) => most);
    },
  };
}

/** What `work` gives; a refusal is its code. */
async function outcome<T>(work: Promise<T>): Promise<T | string> {
  return work.catch((error: unknown) => {
    if (isTidemarkError(error)) return error.code;
    throw error;
  });
}

const DIGITS = ["10.50", "1234", "12e3", "7", "12345678"];
const BASE64 = ["BBo=", "1234", "12e3", "/w==", "BBoA"];
const texts = fc.oneof(
  fc.array(fc.constantFrom(...DIGITS), { minLength: 1, maxLength: 8 }),
  fc.array(fc.constantFrom(...BASE64), { minLength: 1, maxLength: 8 }),
);

test("answers depend on the log alone: not on earlier definitions, nor on restarts", async () => {
  const counts = { answers: 0, refusals: 0 };
  const property = fc.asyncProperty(
    texts,
    fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    async (texts, restarts, declares) => {
      const once = bank();
      for (const text of texts) once.deliver(text);
      const wanted = await outcome(once.run(scale2).then(once.amounts));
      const often = bank();
      const found = await outcome(
        (async () => {
          for (const [i, text] of texts.entries()) {
            often.deliver(text);
            const isLast = i === texts.length - 1;
            if (isLast || restarts[i]!) await often.run(declares[i]! ? scale2 : withoutAmount);
          }
          return often.amounts();
        })(),
      );
      expect(found).toEqual(wanted);
      if (typeof wanted === "string") {
        expect(wanted).toBe("DECIMAL_ENCODING_UNCLEAR");
        counts.refusals++;
      } else counts.answers += wanted.length;
    },
  );
  await fc.assert(property, { seed: first, numRuns: runs });
  console.log(`seed ${first}, ${runs} logs: ${JSON.stringify(counts)}`);
  expect(counts.answers).toBeGreaterThan(runs);
});

test("another scale of base64 is named before it is made, and of digits is none", async () => {
  const impactOf = async (amount: string): Promise<string | null | undefined> => {
    const { open, deliver, run } = bank();
    deliver(amount);
    await run(scale2);
    const before = await open(scale2);
    await before.apply();
    await before.close();
    const store = await open(withAmount(3) as typeof scale2);
    const { changes } = await store.plan();
    await expect(store.apply()).rejects.toMatchObject({ code: "REGISTRY_DESTRUCTIVE" });
    await store.close();
    return changes.find(({ kind }) => kind === "source")?.destructive;
  };
  expect(await impactOf("10.50")).toBe("the stored values of its column amount have another type");
  expect(await impactOf("BBo=")).toBe(
    "column amount came as base64 without a schema, which holds no point: its values from " +
      "before are read at scale 3, and become 10 times smaller. If the database changed the " +
      "scale, set decimal.handling.mode=string or send schemas, take a new snapshot into a new " +
      "topic, and run tidemark resnapshot payments",
  );
});

test("a run tells once that the scale is the definition's", async () => {
  const { deliver, run, warnings } = bank();
  for (const amount of ["BBo=", "/w=="]) deliver(amount);
  await run(scale2);
  expect(warnings).toEqual(["DECIMAL_SCALE_FROM_DEFINITION"]);
});
