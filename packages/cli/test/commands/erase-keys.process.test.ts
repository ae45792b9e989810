/** Keys of every type are given as texts, on the command line and in a file. */
import { readFileSync } from "node:fs";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { openStore, type Store } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { expect, test } from "vitest";
import { Project } from "../support/project.ts";
import { visited, visits } from "../support/visits.ts";

const config = `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions,
  online: { store: () => sqliteOnlineStore("online.db"), retention: "forever" },
  offline: () => deltaOfflineStore(localObjects("lake")),
});
`;

/** The keys of two entities that differ in the last digit of one key. */
const KEY = {
  price: "9007199254740993.0100",
  opened: "2026-03-01T10:00:00.123457Z",
  day: "2026-03-01",
  number: "9007199254740993",
  size: "-7",
  isOpen: "true",
  code: "AP8B",
} as const;
type Key = Readonly<Record<keyof typeof KEY, string>>;
const OTHERS: readonly Key[] = [
  { ...KEY, price: "9007199254740993.0101" },
  { ...KEY, opened: "2026-03-01T10:00:00.123456Z" },
  { ...KEY, day: "2026-03-02" },
  { ...KEY, number: "9007199254740992" },
  { ...KEY, size: "7" },
  { ...KEY, isOpen: "false" },
  { ...KEY, code: "AP8C" },
];

const valuesOf = (key: Key) => ({
  ...key,
  number: BigInt(key.number),
  size: Number(key.size),
  isOpen: key.isOpen === "true",
  code: new Uint8Array(Buffer.from(key.code, "base64")),
});

async function opened(project: Project): Promise<Store> {
  return openStore({
    definitions: { visited },
    online: { store: sqliteOnlineStore(project.path("online.db")), retention: "forever" },
    offline: deltaOfflineStore(localObjects(project.path("lake"))),
  });
}

async function visitedProject(): Promise<Project> {
  const project = new Project();
  project.write(
    "features.ts",
    readFileSync(new URL("../support/visits.ts", import.meta.url), "utf8"),
  );
  project.write("tidemark.config.ts", config);
  const store = await opened(project);
  await store.push(
    visits,
    [KEY, ...OTHERS].map((key, i) => ({
      id: BigInt(i),
      at: "2026-03-01T12:00:00Z",
      note: `note ${i}`,
      ...valuesOf(key),
    })),
  );
  await store.close();
  return project;
}

/** How often each entity was visited, online. */
async function times(project: Project): Promise<readonly (number | null)[]> {
  const store = await opened(project);
  const answers = await Promise.all(
    [KEY, ...OTHERS].map((key) =>
      store.getOnlineFeatures({
        features: visited,
        entity: valuesOf(key),
        asOf: "2026-03-01T13:00:00Z",
      }),
    ),
  );
  await store.close();
  return answers.map((answer) => Number(answer.times));
}

test("a key of every type erases its entity, and no other", async () => {
  const project = await visitedProject();
  const run = async (...args: readonly string[]) => project.start(args).ended;
  const erase = (key: Key, ...more: readonly string[]) =>
    run(
      "erase",
      "--entity",
      "visit",
      ...Object.entries(key).flatMap(([name, value]) => ["--key", `${name}=${value}`]),
      ...more,
    );
  const check = await erase(KEY, "--check");
  expect([check.code, check.stderr]).toEqual([3, ""]);
  // other texts of the same values
  const same = { ...KEY, price: "9007199254740993.01", opened: "2026-03-01T11:00:00.123457+01:00" };
  const erased = await erase(same, "--now");
  expect([erased.code, erased.stderr]).toEqual([0, ""]);
  expect((await erase(KEY, "--check")).code).toBe(0);
  expect(await times(project)).toEqual([0, ...OTHERS.map(() => 1)]);

  const lines = OTHERS.slice(0, 3).map((key) => Object.values(key).join(","));
  project.write("keys.csv", `${[Object.keys(KEY).join(","), ...lines].join("\n")}\n`);
  const many = ["erase", "--entity", "visit", "--keys-file", "keys.csv"];
  const all = await run(...many, "--now");
  expect([all.code, all.stderr]).toEqual([0, ""]);
  expect((await run(...many, "--check")).code).toBe(0);
  expect(await times(project)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);

  for (const [name, text] of [
    ["price", "1.00001"],
    ["opened", "yesterday"],
    ["day", "2026-02-30"],
  ] as const) {
    const refused = await erase({ ...KEY, [name]: text }, "--check");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(new RegExp(`KEY_INVALID: --key ${name}`)),
    ]);
  }
  const twice = await erase(KEY, "--check", "--key", "size=8");
  expect([twice.code, twice.stderr]).toEqual([
    2,
    expect.stringContaining("--key size is given twice"),
  ]);
});
