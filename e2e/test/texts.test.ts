/**
 * Tests texts of any UTF-16, halves of surrogate pairs too: each way in and each path out gives the
 * same answers, for keys and for values.
 */
import {
  count,
  countDistinct,
  entity,
  featureView,
  latest,
  micros,
  openStore,
  pushSource,
  source,
  string,
  timestamp,
  type Store,
  type StoreOptions,
} from "@tidemark/core";
import { type Change, type ChangeSource, wellFormedText } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { recordedTopic } from "@tidemark/source-debezium";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, keepingStores, realStores, topicPath } from "../src/real-stores.ts";

const { first: firstSeed, runs } = seedsFromEnvironment({ runs: 6, least: 3 });
const START = Date.UTC(2025, 5, 5) * 1000;
const ASKED = START + 3_600e6;

const columns = () => ({
  id: string("id"),
  name: string("name"),
  note: string("note").nullable(),
  at: timestamp("at"),
});
const person = entity("person", { keys: { name: string() } });
const logged = source("notes", {
  table: "public.notes",
  columns: columns(),
  primaryKey: ["id"],
  eventTime: "at",
});
const pushed = pushSource("notes", { columns: columns(), primaryKey: ["id"], eventTime: "at" });
const definitionsOf = (notes: typeof logged) => ({
  counts: featureView("counts", {
    entity: person,
    source: notes,
    features: { rows: count().over("7d"), notes: countDistinct(notes.note).over("7d") },
  }),
  last: featureView("last", {
    entity: person,
    source: notes,
    features: { note: latest(notes.note) },
  }),
});
const ofLog = definitionsOf(logged);
const ofPush = definitionsOf(pushed as unknown as typeof logged);

interface Row {
  readonly id: string;
  readonly name: string;
  readonly note: string | null;
  readonly at: number;
}

/** Any UTF-16, with many halves of pairs, U+FFFD and U+0000. */
function anyText(random: Random): string {
  const units = Array.from({ length: random.between(0, 5) }, () =>
    random.pick([0x61, 0, 0xfffd, 0xe9, 0xd83d, 0xde00, 0xd800, 0xdfff, random.int(0x10000)]),
  );
  return String.fromCharCode(...units);
}

function rowsOf(random: Random): Row[] {
  const names = Array.from({ length: 6 }, () => anyText(random));
  const notes = [null, ...Array.from({ length: 8 }, () => anyText(random))];
  return Array.from({ length: 40 }, (_, i) => ({
    id: `${anyText(random)} ${i}`,
    name: random.pick(names),
    note: random.pick(notes),
    at: START + i,
  }));
}

function expectedOf(rows: readonly Row[], name: string): object {
  const mine = rows.filter((row) => wellFormedText(row.name) === wellFormedText(name));
  const notes = mine.map(({ note }) => (note === null ? null : wellFormedText(note)));
  return {
    rows: mine.length,
    notes: new Set(notes.filter((note) => note !== null)).size,
    note: notes.at(-1) ?? null,
  };
}

/** A change source that hands on texts as they are, as a careless one does. */
function rawSource(rows: readonly Row[]): ChangeSource {
  const changes = rows.map(({ id, name, note, at }, offset): Change => ({
    source: "notes",
    topic: "notes",
    partition: 0,
    offset,
    kind: "upsert",
    values: [id, name, note, at],
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: null,
    committed: at,
    snapshot: false,
    op: "c",
    timestamp: Math.floor(at / 1000),
    transaction: null,
  }));
  return {
    name: "raw notes",
    bounded: true,
    async *changes() {
      yield { changes, positions: [{ partition: "notes:0", offset: rows.length - 1 }] };
    },
  };
}

function writeLog(path: string, rows: readonly Row[]): void {
  const lines = rows.map(({ at, ...row }, offset) =>
    JSON.stringify({
      topic: "bank.public.notes",
      partition: 0,
      offset,
      timestamp: Math.floor(at / 1000) + 1,
      key: JSON.stringify({ id: row.id }),
      value: JSON.stringify({
        before: null,
        after: { ...row, at },
        source: { ts_us: at, schema: "public", table: "notes", lsn: offset + 1 },
        op: "c",
      }),
      headers: {},
    }),
  );
  writeFileSync(path, `${lines.join("\n")}\n`);
}

type Fill = (store: Store, rows: readonly Row[], folder: string) => Promise<void>;
const ways: Readonly<Record<string, readonly [typeof ofLog, Fill]>> = {
  messages: [
    ofLog,
    async (store, rows, folder) => {
      writeLog(topicPath(folder), rows);
      await store.run(
        recordedTopic(topicPath(folder), { onWarning: () => undefined, unreadable: "keep" }),
      );
    },
  ],
  "a careless change source": [
    ofLog,
    async (store, rows) => {
      await store.run(rawSource(rows));
    },
  ],
  push: [
    ofPush,
    async (store, rows) => {
      await store.push(
        "notes",
        rows.map((row) => ({ ...row, at: micros(row.at) })),
      );
    },
  ],
};

async function answers(
  store: Store,
  { counts, last }: typeof ofLog,
  names: readonly string[],
): Promise<readonly object[][]> {
  const features = [counts, last] as const;
  const online: object[] = [];
  for (const name of names) {
    const row = await store.getOnlineFeatures({
      features: features as never,
      entity: { name } as never,
      asOf: micros(ASKED),
    });
    online.push(row as object);
  }
  const history = await store.getHistoricalFeatures({
    features: features as never,
    entities: names.map((name) => ({ name, event_timestamp: micros(ASKED) })) as never,
  });
  return [online, (await history.rows()) as object[]];
}

const stores: Readonly<Record<string, (folder: string) => () => Partial<StoreOptions>>> = {
  files: (folder) => () => keepingStores(realStores(folder)),
  memory: () => {
    const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
    return () =>
      keepingStores({ online: memoryOnlineStore(online), offline: memoryOfflineStore(offline) });
  },
};

for (const [way, [definitions, fill]] of Object.entries(ways))
  for (const [kind, storesIn] of Object.entries(stores)) {
    // Memory keeps what it is given. Files have one form of a text, whoever gives it.
    if (kind === "memory" && way === "a careless change source") continue;
    test(`texts that come by ${way} into ${kind} are the same on every path`, async () => {
      for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
        const rows = rowsOf(new Random(seed));
        const names = [...new Set(rows.map(({ name }) => name))];
        const expected = names.map((name) => expectedOf(rows, name));
        await inFolder(async (folder) => {
          const open = storesIn(folder);
          const opened = (): Promise<Store> =>
            openStore({ definitions, ...open() } as StoreOptions) as Promise<Store>;
          const first = await opened();
          await fill(first, rows, folder);
          await first.close();
          const store = await opened();
          for (const found of await answers(store, definitions, names))
            expect(
              found.map((row) => {
                const { rows: n, notes, note } = row as Record<string, unknown>;
                return { rows: Number(n), notes: Number(notes), note };
              }),
              `seed ${seed}`,
            ).toEqual(expected);
          await store.close();
        });
      }
    });
  }
