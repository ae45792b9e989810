/** The real stores of a folder, filled with the payments of several people. */
import { openStore, type Store } from "@tidemark/core";
import { recordedTopic } from "@tidemark/source-debezium";
import { ok } from "node:assert/strict";
import { cpSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  at,
  devices,
  ERASED,
  LOGINS,
  logins,
  OTHER,
  personalDefinitions,
  personalLog,
  profile,
  sales,
  spending,
} from "./personal-log.ts";
import { keepingStores, type RealStores, realStores, topicPath } from "./real-stores.ts";
import { UNMERGED_LAYOUT } from "@tidemark/testkit";

const everything = [spending, profile, devices] as const;
/** What every erasure of these tests asks. */
export const REQUEST = { entity: "person", key: ERASED };

export interface PersonalStores {
  readonly stores: RealStores;
  readonly store: Store;
}

/** The time of the stores, and so of an erasure. */
export const NOW: Date = at(24 * 60);

export async function openPersonal(
  folder: string,
  stores: RealStores = realStores(folder),
  now: Date = NOW,
): Promise<PersonalStores> {
  const store = await openStore({
    definitions: personalDefinitions,
    ...keepingStores(stores, { commit: { rows: 7 }, layoutLimits: UNMERGED_LAYOUT }),
    onDefinitionMismatch: "ignore",
    clock: () => now,
  });
  return { stores, store };
}

export async function runTopic(store: Store, path: string): Promise<void> {
  await store.run(recordedTopic(path, { onWarning: () => undefined }));
}

/** Answers of the erased person, of another one and of the shops, from both stores, as JSON. */
export async function personalAnswers(
  store: Store,
  paths: "both" | "online" = "both",
): Promise<Record<string, string>> {
  const asOf = at(60);
  const answers: Record<string, unknown> = {};
  for (const [name, entity] of [
    ["erased", ERASED],
    ["other", OTHER],
  ] as const) {
    answers[`online ${name}`] = await store.getOnlineFeatures({
      features: everything,
      entity,
      asOf,
    });
    if (paths === "online") continue;
    const training = await store.getHistoricalFeatures({
      features: everything,
      entities: [{ ...entity, event_timestamp: asOf }],
    });
    answers[`training ${name}`] = await training.rows();
  }
  answers["online shops"] = await store.getOnlineFeatures({
    features: sales,
    entities: ["shop-0", "shop-1", "shop-2"].map((shop) => ({ shop })),
    asOf,
  });
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      JSON.stringify(answer, (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      ),
    ]),
  );
}

/** Everything that writes: runs, pushes, compaction, checkpoints, materialization, a backup. */
export async function filledStores(folder: string): Promise<PersonalStores> {
  const { store, stores } = await openPersonal(folder);
  const { lines } = personalLog();
  await store.apply();
  for (const length of [20, 40, lines.length]) {
    writeFileSync(topicPath(folder), `${lines.slice(0, length).join("\n")}\n`);
    await runTopic(store, topicPath(folder));
    await store.compact();
  }
  await store.push(logins, LOGINS, { id: "push-1" });
  await store.compact();
  await store.materialize({ views: [...everything], dates: ["2026-01-20"], zone: "UTC" });
  for (let i = 0; i < 3; i++)
    for (const entity of [ERASED, OTHER])
      await store.getOnlineFeatures({ features: everything, entity, asOf: at(60) });
  ok((await store.quarantine("payments")).length > 2);
  for (const { name } of store.tables())
    if ((await stores.offline.state(name)) !== null) await stores.offline.optimize(name);
  await store.backup({ to: join(folder, "backup"), history: "pin" });
  // writers that were killed leave files that no log names, and temporary files
  const changes = join(folder, "lake/payments/changes");
  const data = readdirSync(changes).filter((name) => name.endsWith(".parquet"));
  for (const [i, name] of data.entries())
    cpSync(join(changes, name), join(changes, `part-killed-${i}.parquet`));
  const temporary = join(folder, "lake/.tmp/1");
  for (const name of data) cpSync(join(changes, name), `${temporary}-${name}`);
  for (const name of data) utimesSync(`${temporary}-${name}`, 0, 0);
  await store.close();
  return openPersonal(folder);
}

/** Files that no erasure reaches: the topic and the backup. */
export const reached = (found: readonly string[]): string[] =>
  found.filter((one) => !/ in (?:topic\.jsonl|backup\/)/.test(one));
