/** `tidemark optimize`, `vacuum` and `stats`: files come and go, and no answer changes. */
import { type Knowledge, openStore, type Store } from "@tidemark/core";
import { formatTime, parseTime, valueAt } from "@tidemark/core/spi";
import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { s3Objects } from "@tidemark/adapter-minio";
import { deltaOfflineStore, localObjects, type DeltaOfflineStore } from "@tidemark/delta";
import { ownBucket } from "@tidemark/testkit/services/shared";
import { recordedTopic } from "@tidemark/source-debezium";
import { expect, onTestFinished, test } from "vitest";
import { minioServer, suiteNeeding } from "@tidemark/testkit/needs";
import { bankProject } from "../support/bank.ts";
import { CONFIG, historyProject } from "../support/history-project.ts";
import type { Project } from "../support/project.ts";

const START = parseTime("2025-03-01T00:00:00Z", null)!;
const LABELS = Array.from({ length: 60 }, (_, i) => ({
  user_id: `user_00000${i % 9}`,
  event_timestamp: formatTime(START + i * 9 * 3_600_000_000),
}));

interface Stats {
  readonly history: {
    readonly tables: readonly {
      table: string;
      rows: number;
      files: number;
      bytes: number;
      version: number;
      oldest: string;
      newest: string;
      changed: string;
    }[];
  };
  readonly online: {
    readonly cells: number;
    readonly bytes: number;
    readonly sources: readonly { readonly source: string }[];
  };
}

/** Every answer for the labels, as corrected and as known. */
async function answersOf(
  store: Store,
  definitions: Readonly<Record<string, never>>,
): Promise<unknown[]> {
  const ask = async (knowledge: Knowledge): Promise<unknown[]> =>
    (
      await store.getHistoricalFeatures({
        features: definitions["fraud"]!,
        entities: LABELS as never,
        knowledge,
      })
    ).rows();
  return [await ask("as-corrected"), await ask("as-known")];
}

/** Files of a table that a reader may see. */
function dataFiles(project: Project, table: string): string[] {
  return readdirSync(join(project.directory, "lake", table), {
    recursive: true,
    encoding: "utf8",
  }).filter((name) => name.endsWith(".parquet") && !name.includes("_delta_log"));
}

/** Many small commits, as a stream makes them. */
async function feedSlowly(
  project: Project,
  definitions: Readonly<Record<string, never>>,
  offline: DeltaOfflineStore,
  pause: number,
): Promise<void> {
  const lines = project.read("topic.jsonl").trim().split("\n");
  const store = await openStore({ definitions, offline: { store: offline, commit: { rows: 3 } } });
  for (let n = 0; n < lines.length; n += 5) {
    project.write("part.jsonl", `${lines.slice(0, n + 5).join("\n")}\n`);
    await store.run(recordedTopic(project.path("part.jsonl")));
    await sleep(pause);
  }
  await store.close();
}

const lakeOf = (project: Project): DeltaOfflineStore =>
  deltaOfflineStore(localObjects(join(project.directory, "lake")));

test("stats shows the files, optimize joins them, and the answers stay", async () => {
  const { project, definitions } = await historyProject();
  const offline = lakeOf(project);
  const store = await openStore({ definitions, offline });
  onTestFinished(() => store.close());
  const again = bankProject();
  again.write("tidemark.config.ts", CONFIG);
  await feedSlowly(again, definitions, lakeOf(again), 0);
  const expected = await answersOf(store, definitions);

  const stats = async (of: Project): Promise<Stats> => {
    const ran = await of.run("stats", "--json");
    expect(ran.code, ran.stderr).toBe(0);
    return JSON.parse(ran.stdout) as never;
  };
  const before = await stats(again);
  const changes = before.history.tables.find(({ table }) => table === "transactions/changes")!;
  const state = (await lakeOf(again).state("transactions/changes"))!;
  expect(changes).toMatchObject({ rows: state.rows, version: state.version });
  expect(changes.files).toBe(dataFiles(again, "transactions/changes").length);
  expect(changes.bytes).toBe(
    dataFiles(again, "transactions/changes").reduce(
      (sum, name) => sum + statSync(join(again.directory, "lake/transactions/changes", name)).size,
      0,
    ),
  );
  const times: (number | null)[] = [];
  for await (const batch of lakeOf(again).scan("transactions/changes", {
    columns: ["_committed"],
  })) {
    for (let i = 0; i < batch.length; i++)
      times.push(valueAt(batch.vectors[0]!, i) as number | null);
  }
  const committed = times.filter((time) => time !== null);
  expect([changes.oldest, changes.newest]).toEqual([
    formatTime(Math.min(...committed)),
    formatTime(Math.max(...committed)),
  ]);
  expect(before.online).toMatchObject({ cells: 0, sources: [{ source: "transactions" }] });
  expect(changes.files).toBeGreaterThan(10);

  const optimized = await again.run("optimize", "--json");
  expect(optimized.code, optimized.stderr).toBe(0);
  expect(JSON.parse(optimized.stdout)).toMatchObject({
    tables: expect.arrayContaining([
      { table: "transactions/changes", filesRemoved: changes.files, filesAdded: 1 },
    ]) as unknown,
  });
  expect(
    (await stats(again)).history.tables.find(({ table }) => table === "transactions/changes"),
  ).toMatchObject({ rows: changes.rows, files: 1, oldest: changes.oldest, newest: changes.newest });
  const other = await openStore({ definitions, offline: lakeOf(again) });
  expect(await answersOf(other, definitions)).toEqual(expected);
  await other.close();
  expect(
    JSON.parse((await again.run("optimize", "--json")).stdout),
    "there is nothing left to join",
  ).toMatchObject({
    tables: expect.arrayContaining([
      { table: "transactions/changes", filesRemoved: 0, filesAdded: 0 },
    ]) as unknown,
  });
});

test(
  "beside a stream, optimize and vacuum lose nothing: what orphans there were is gone, and " +
    "every row and answer is as without them",
  async () => {
    const { definitions, store: reference } = await historyProject();
    const whole = await reference();
    const expected = await answersOf(whole, definitions);
    await whole.close();

    const project = bankProject();
    project.write("tidemark.config.ts", CONFIG);
    const offline = lakeOf(project);
    const streaming = feedSlowly(project, definitions, offline, 250);
    let over = false;
    void streaming.finally(() => {
      over = true;
    });
    while ((await offline.state("transactions/versions")) === null) await sleep(20);
    const orphan = join(project.directory, "lake/transactions/changes/part-orphan.zstd.parquet");
    writeFileSync(orphan, "of a writer that died");
    utimesSync(
      orphan,
      new Date(Date.now() - 30 * 86_400_000),
      new Date(Date.now() - 30 * 86_400_000),
    );
    let beside = 0;
    while (!over) {
      const optimized = await project.run("optimize", "--quiet");
      expect(optimized.code, optimized.stderr).toBe(0);
      const vacuumed = await project.run("vacuum", "--quiet");
      expect(vacuumed.code, vacuumed.stderr).toBe(0);
      if (!over) beside++;
    }
    expect(beside).toBeGreaterThan(0);
    await streaming;
    expect(dataFiles(project, "transactions/changes")).not.toContain("part-orphan.zstd.parquet");
    const store = await openStore({ definitions, offline: lakeOf(project) });
    onTestFinished(() => store.close());
    expect(await answersOf(store, definitions)).toEqual(expected);
  },
);

test(
  "vacuum: a dry run names what goes and leaves it, a retention below the store's is refused, " +
    "forced it removes what optimize has left",
  async () => {
    const { project, definitions } = await historyProject();
    const many = bankProject();
    many.write("tidemark.config.ts", CONFIG);
    await feedSlowly(many, definitions, lakeOf(many), 0);
    await many.run("optimize");
    const left = dataFiles(many, "transactions/changes").length;
    expect(await many.run("vacuum", "--json")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"removed":[]') as string,
    });
    expect(await many.run("vacuum", "--retention", "1h")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/less than the store's retention of 7d.*--force/) as string,
    });
    expect(await many.run("vacuum", "--retention", "30d")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/more than the store's retention/) as string,
    });
    expect(await many.run("vacuum", "--retention", "soon")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("as in 7d") as string,
    });
    await sleep(1_100);
    const dry = JSON.parse(
      (
        await many.run(
          "vacuum",
          "--retention",
          "1s",
          "--force",
          "--dry-run",
          "--json",
          "--table",
          "transactions/changes",
        )
      ).stdout,
    ) as { dryRun: boolean; tables: { removed: string[] }[] };
    expect(dry.dryRun).toBe(true);
    expect(dry.tables[0]!.removed.length).toBe(left - 1);
    expect(dataFiles(many, "transactions/changes").length).toBe(left);
    expect(
      (await many.run("vacuum", "--retention", "1s", "--force", "--table", "transactions/changes"))
        .code,
    ).toBe(0);
    expect(dataFiles(many, "transactions/changes").length).toBe(1);
    const [one, other] = await Promise.all(
      [project, many].map((of) => openStore({ definitions, offline: lakeOf(of) })),
    );
    expect(await answersOf(other!, definitions)).toEqual(await answersOf(one!, definitions));
    await Promise.all([one!.close(), other!.close()]);
  },
);

test(
  "killed with -9 at any moment, optimize has joined tables or not, and the next one does the " +
    "rest",
  async () => {
    const { definitions, store: reference } = await historyProject();
    const whole = await reference();
    const expected = await answersOf(whole, definitions);
    await whole.close();
    const project = bankProject();
    project.write("tidemark.config.ts", CONFIG);
    await feedSlowly(project, definitions, lakeOf(project), 0);
    for (let after = 250; ; after += 40) {
      const { child, ended } = project.start(["optimize"]);
      const timer = sleep(after).then(() => child.kill("SIGKILL"));
      const { code, stderr } = await ended;
      const store = await openStore({ definitions, offline: lakeOf(project) });
      expect(await answersOf(store, definitions), `killed after ${after} ms`).toEqual(expected);
      await store.close();
      if (code === null) {
        await timer;
        continue;
      }
      expect(code, stderr).toBe(0);
      break;
    }
    expect((await lakeOf(project).describe("transactions/changes"))!.files).toBe(1);
  },
);

test(
  "killed with -9 in the middle, vacuum has taken nothing that is needed, and the next one " +
    "takes the rest",
  async () => {
    const { definitions, store: reference } = await historyProject();
    const whole = await reference();
    const expected = await answersOf(whole, definitions);
    await whole.close();
    const project = bankProject();
    project.write("tidemark.config.ts", CONFIG);
    await feedSlowly(project, definitions, lakeOf(project), 0);
    expect((await project.run("optimize")).code).toBe(0);
    const folder = join(project.directory, "lake/transactions/changes");
    const old = new Date(Date.now() - 30 * 86_400_000);
    for (let n = 0; n < 4000; n++) {
      const orphan = join(folder, `part-orphan-${n}.zstd.parquet`);
      writeFileSync(orphan, "of a writer that died");
      utimesSync(orphan, old, old);
    }
    const files = (): number => dataFiles(project, "transactions/changes").length;
    const needed = files() - 4000;
    let killed = 0;
    for (let target = 3500; target > 0; target -= 700) {
      const { child, ended } = project.start(["vacuum"]);
      let over = false;
      void ended.finally(() => {
        over = true;
      });
      while (!over && files() > needed + target) await sleep(1);
      child.kill("SIGKILL");
      if ((await ended).code === null && files() > needed) killed++;
      const store = await openStore({ definitions, offline: lakeOf(project) });
      expect(await answersOf(store, definitions), `killed with ${files() - needed} left`).toEqual(
        expected,
      );
      await store.close();
    }
    expect(killed).toBeGreaterThan(0);
    expect((await project.run("vacuum")).code).toBe(0);
    expect(files()).toBe(needed);
  },
);

test("an unknown table, and a store without files, are refused", async () => {
  const { project } = await historyProject();
  for (const command of ["optimize", "vacuum", "stats"]) {
    expect(await project.run(command, "--table", "transactions/change")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /TABLE_UNKNOWN.*did you mean "transactions\/changes"\?/,
      ) as string,
    });
    expect(await project.run(command, "--table", "weekly_activity/features")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("TABLE_MISSING") as string,
    });
  }
  project.write(
    "tidemark.config.ts",
    CONFIG.replace(
      'deltaOfflineStore(localObjects("lake"))',
      '({ name: "offline store of my own", async state() { return null; }, async close() {} })',
    ),
  );
  for (const command of ["optimize", "vacuum", "stats"])
    expect(await project.run(command)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("MAINTENANCE_MISSING: offline store of my own") as string,
    });
  project.write("tidemark.config.ts", CONFIG.replace(/ {2}offline: .*\n/, ""));
  expect(await project.run("stats")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^sqlite online store online\.db: 0 cells/) as string,
  });
  expect(await project.run("vacuum")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no offline store") as string,
  });
});

suiteNeeding(minioServer(), "in a bucket of MinIO", () => {
  test("optimize, vacuum and stats over s3Objects", async () => {
    const { definitions } = await historyProject();
    const project = bankProject();
    const bucket = await ownBucket();
    project.write(
      "tidemark.config.ts",
      CONFIG.replace('localObjects("lake")', `s3Objects(${JSON.stringify(bucket)})`).replace(
        "import { sqliteOnlineStore }",
        'import { s3Objects } from "@tidemark/adapter-minio";\nimport { sqliteOnlineStore }',
      ),
    );
    const lake = (): DeltaOfflineStore => deltaOfflineStore(s3Objects(bucket));
    await feedSlowly(project, definitions, lake(), 0);
    const before = (await lake().describe("transactions/changes"))!;
    expect((await project.run("optimize")).code).toBe(0);
    await sleep(1_100);
    expect((await project.run("vacuum", "--retention", "1s", "--force")).code).toBe(0);
    const { stdout } = await project.run("stats");
    expect(stdout).toContain(`transactions/changes: ${before.rows} rows, 1 files`);
    const objects: string[] = [];
    for await (const { key } of s3Objects(bucket).list("transactions/changes/part-"))
      objects.push(key);
    expect(objects.length).toBe(1);
  });
});
