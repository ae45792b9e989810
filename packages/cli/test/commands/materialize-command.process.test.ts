import { join } from "node:path";
import { openStore } from "@tidemark/core";
import { valueAt } from "@tidemark/core/spi";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { expect, test } from "vitest";
import { historyProject } from "../support/history-project.ts";
import type { Project } from "../support/project.ts";

const run = (project: Project, ...args: string[]) => project.start(args).ended;

async function days(project: Project): Promise<Record<string, number>> {
  const offline = deltaOfflineStore(localObjects(join(project.directory, "lake")));
  const found: Record<string, number> = {};
  for await (const {
    length,
    vectors: [date],
  } of offline.scan("weekly_activity/features", { columns: ["date"] })) {
    for (let i = 0; i < length; i++)
      found[String(valueAt(date!, i))] = (found[String(valueAt(date!, i))] ?? 0) + 1;
  }
  return found;
}

test(
  "materialize writes the days of the table and serves the newest; done again it is the same; " +
    "incremental adds the days since",
  { timeout: 120_000 },
  async () => {
    const { project, definitions } = await historyProject();
    const first = await run(
      project,
      "materialize",
      "--view",
      "weekly_activity",
      "--date",
      "2025-03-04",
      "--date",
      "2025-03-05",
      "--json",
    );
    expect(first).toMatchObject({ code: 0 });
    const result = JSON.parse(first.stdout) as {
      zone: string;
      views: { dates: { date: string; rows: number; state: string }[]; online: string }[];
    };
    expect(result.views[0]).toMatchObject({
      online: "2025-03-05",
      dates: [
        { date: "2025-03-04", state: "new" },
        { date: "2025-03-05", state: "new" },
      ],
    });
    expect(first.stderr).toContain("weekly_activity 2025-03-05:");
    const rows = await days(project);
    expect(rows["2025-03-05"]).toBe(result.views[0]!.dates[1]!.rows);
    expect(rows["2025-03-05"]).toBeGreaterThan(1);

    const again = await run(
      project,
      "materialize",
      "--from",
      "2025-03-04",
      "--to",
      "2025-03-06",
      "--quiet",
    );
    expect(again).toMatchObject({
      code: 0,
      stderr: "",
      stdout:
        "weekly_activity: 2 days computed into weekly_activity/features; 2025-03-05 is online\n",
    });
    expect(await days(project)).toEqual(rows);

    const since = await run(
      project,
      "materialize",
      "--incremental",
      "--to",
      "2025-03-07",
      "--json",
      "--quiet",
    );
    expect(JSON.parse(since.stdout)).toMatchObject({
      views: [
        { dates: [{ date: "2025-03-06", state: "new" }], unchanged: 2, online: "2025-03-06" },
      ],
    });
    expect(
      (await run(project, "materialize", "--incremental", "--to", "2025-03-07", "--quiet")).stdout,
    ).toBe("weekly_activity: 0 days computed into weekly_activity/features, 3 days unchanged\n");

    const store = await openStore({
      definitions,
      online: sqliteOnlineStore(join(project.directory, "online.db")),
      offline: deltaOfflineStore(localObjects(join(project.directory, "lake"))),
    });
    const [row] = (await store.getMaterialized({
      view: definitions["weekly"] as never,
      entities: [{ user_id: "user_000006" }] as never,
    })) as unknown as readonly Record<string, unknown>[];
    const [past] = (await (
      await store.getHistoricalFeatures({
        features: definitions["weekly"] as never,
        entities: [{ user_id: "user_000006", event_timestamp: "2025-03-07T00:00:00Z" }] as never,
      })
    ).rows()) as Record<string, unknown>[];
    expect({ ...row, event_timestamp: (row!["event_timestamp"] as Date).toISOString() }).toEqual({
      ...past,
      user_id: undefined,
      event_timestamp: "2025-03-07T00:00:00.000Z",
    });
    await store.close();
  },
);

test(
  "backfill fills an empty online store from the history, again and for one source",
  { timeout: 120_000 },
  async () => {
    const { project, definitions } = await historyProject();
    const filled = await run(project, "backfill", "--json");
    expect(filled).toMatchObject({ code: 0 });
    const { changes } = JSON.parse(filled.stdout) as { changes: number };
    expect(changes).toBeGreaterThan(10);
    expect(
      JSON.parse((await run(project, "backfill", "--source", "transactions", "--json")).stdout),
    ).toMatchObject({ changes: 0 });
    const store = await openStore({
      definitions,
      online: {
        store: sqliteOnlineStore(join(project.directory, "online.db")),
        retention: "forever",
      },
    });
    expect((await store.status())[0]!.source).toBe("transactions");
    await store.close();
  },
);

test(
  "a command line that is wrong is 2 and opens nothing; what is unknown is 1 with the nearest name",
  { timeout: 120_000 },
  async () => {
    const { project } = await historyProject();
    const wrong = async (code: number, text: string, ...args: string[]): Promise<void> => {
      const ended = await run(project, ...args);
      expect(ended, ended.stderr).toMatchObject({ code });
      expect(ended.stderr).toContain(text);
    };
    await wrong(2, "this is no day of the calendar", "materialize", "--date", "2025-02-30");
    await wrong(
      2,
      "give one or the other",
      "materialize",
      "--date",
      "2025-03-04",
      "--from",
      "2025-03-01",
      "--to",
      "2025-03-02",
    );
    await wrong(2, "leave --date out", "materialize", "--date", "2025-03-04", "--incremental");
    await wrong(2, "--from and --to need each other", "materialize", "--from", "2025-03-04");
    await wrong(
      2,
      "must be later than --from",
      "materialize",
      "--from",
      "2025-03-04",
      "--to",
      "2025-03-04",
    );
    await wrong(
      1,
      'VIEW_UNKNOWN: tidemark.config.ts: no feature view is called "weekly_activty"; did you ' +
        'mean "weekly_activity"?',
      "materialize",
      "--view",
      "weekly_activty",
      "--date",
      "2025-03-04",
    );
    await wrong(
      1,
      'SOURCE_UNKNOWN: tidemark.config.ts: no source is called "transaction"; did you mean ' +
        '"transactions"?',
      "backfill",
      "--source",
      "transaction",
    );
    await wrong(1, "MATERIALIZE_NOT_BEGUN", "materialize", "--incremental");
    await wrong(1, "DATE_NOT_OVER", "materialize", "--date", "2199-01-01");
    expect(project.files()).not.toContain("weekly_activity");
  },
);
