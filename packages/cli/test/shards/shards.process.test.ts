/** Tests `tidemark training-set --shards`, `tidemark shard` and `tidemark finish`. */
import { readFileSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { openStore, type Store } from "@tidemark/core";
import { valueAt } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, readParquet, writeParquet } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { expect, test } from "vitest";
import { bankProject } from "../support/bank.ts";
import { CONFIG } from "../support/history-project.ts";
import type { Project } from "../support/project.ts";

interface Bank {
  readonly project: Project;
  /** Brings so many lines of the topic into the history. */
  feed(lines: number): Promise<void>;
}

/** A project whose history lacks the end of its topic. */
async function bank(): Promise<Bank> {
  const project = bankProject();
  project.write("tidemark.config.ts", CONFIG);
  const definitions = (await import(pathToFileURL(project.path("features.ts")).href)) as Readonly<
    Record<string, never>
  >;
  const lines = project.read("topic.jsonl").trim().split("\n");
  const feed = async (count: number): Promise<void> => {
    project.write("some.jsonl", `${lines.slice(0, count).join("\n")}\n`);
    const store: Store = await openStore({
      definitions,
      offline: deltaOfflineStore(localObjects(project.path("lake"))),
    });
    await store.run(recordedTopic(project.path("some.jsonl")));
    await store.compact();
    await store.close();
  };
  await feed(Math.floor(lines.length / 2));
  const label = (user: string, day: number): string =>
    JSON.stringify({
      label: day,
      user_id: user,
      event_timestamp: `2025-03-${String(day).padStart(2, "0")}T00:00:00Z`,
    });
  const labels = [9, 2, 5].flatMap((day) =>
    ["user_000006", "nobody", "user_000001", "user_000003", "user_000006"].map((user) =>
      label(user, day),
    ),
  );
  project.write("labels.jsonl", `${labels.join("\n")}\n`);
  return { project, feed };
}

const ALL = 1_000_000;

const training = (out: string, ...more: readonly string[]): string[] => [
  "training-set",
  "--service",
  "fraud_v1",
  "--entities",
  "labels.jsonl",
  "--out",
  out,
  "--knowledge",
  "as-corrected",
  ...more,
];

/** The columns and the rows of a Parquet file. */
async function content(file: string): Promise<unknown> {
  const { columns, batches } = await readParquet(file);
  const rows: unknown[] = [];
  for await (const { length, vectors } of batches())
    for (let i = 0; i < length; i++) rows.push(vectors.map((vector) => valueAt(vector, i)));
  return { columns, rows };
}

test("the shards of a job give the file of one process, whatever is appended", async () => {
  const { project, feed } = await bank();
  expect(await project.run(...training("whole.parquet"))).toMatchObject({ code: 0 });
  expect(
    await project.run(...training("out.parquet", "--shards", "3", "--job", "job.json")),
  ).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      new RegExp(
        "^15 rows with 7 features in 3 shards, .*: job.json\nrun tidemark shard --job job.json " +
          "--shard I/3 for I from 0 to 2, and then tidemark finish --job job.json\n$",
      ),
    ) as string,
  });
  await feed(ALL);

  expect(await project.run("shard", "--job", "job.json", "--shard", "2/3")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^shard 2\/3: \d+ rows after /) as string,
  });
  const env = { JOB_COMPLETION_INDEX: "0" };
  const indexed = await project.start(["shard", "--job", "job.json", "--json"], { env }).ended;
  expect(JSON.parse(indexed.stdout)).toMatchObject({ shard: 0, shards: 3, wrote: true });
  expect(await project.run("finish", "--job", "job.json")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /JOB_SHARDS_MISSING: .*: 1 of 3 shards are not computed: 1\/3; /,
    ) as string,
  });
  expect(project.files()).not.toContain("out.parquet");
  const again = await project.run("shard", "--job", "job.json", "--shard", "0/3");
  expect(again.stdout).toMatch(/^shard 0\/3: \d+ rows are computed already\n$/);
  expect(await project.run("shard", "--job", "job.json", "--shard", "1/3")).toMatchObject({
    code: 0,
  });

  const finished = await project.run("finish", "--job", "job.json");
  expect(finished).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^15 rows with 7 features, after .*out.parquet\n$/) as string,
  });
  expect(await content(project.path("out.parquet"))).toEqual(
    await content(project.path("whole.parquet")),
  );
  expect(project.files().filter((name) => name.startsWith("job"))).toEqual(["job.json"]);
  const bytes = readFileSync(project.path("out.parquet"));
  expect((await project.run("finish", "--job", "job.json")).stdout).toMatch(
    /^the job is finished already: .*out.parquet\n$/,
  );
  const late = await project.run("shard", "--job", "job.json", "--shard", "1/3");
  expect(late).toMatchObject({ code: 0, stdout: expect.stringContaining("already") as string });
  expect(readFileSync(project.path("out.parquet"))).toEqual(bytes);
  // the history has more rows by now
  expect(await project.run(...training("later.parquet"))).toMatchObject({ code: 0 });
  expect(await content(project.path("later.parquet"))).not.toEqual(
    await content(project.path("whole.parquet")),
  );
});

test("other definitions, a vacuumed history and a changed job are refused by name", async () => {
  const { project, feed } = await bank();
  const named = "weekly_activity:total, weekly_activity:number";
  const write = () =>
    project.run(
      ...training("out.parquet", "--shards", "1", "--job", "job.json").map((word) =>
        word === "--service" ? "--features" : word === "fraud_v1" ? named : word,
      ),
    );
  expect(await write()).toMatchObject({ code: 0 });
  const definitions = project.read("features.ts");
  project.write("features.ts", definitions.replaceAll('"7d"', '"8d"'));
  for (const command of ["shard", "finish"])
    expect(
      await project.run(
        command,
        "--job",
        "job.json",
        ...(command === "shard" ? ["--shard", "0/1"] : []),
      ),
    ).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("JOB_DEFINITION_MISMATCH: ") as string,
    });
  project.write("features.ts", definitions);

  await feed(ALL);
  const offline = deltaOfflineStore(localObjects(project.path("lake")));
  for (const table of ["transactions/versions", "transactions/changes"])
    await offline.vacuum(table, { retention: "0s" });
  await offline.close();
  expect(await project.run("shard", "--job", "job.json", "--shard", "0/1")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /HISTORY_VERSION_GONE: .*version \d+ of table transactions\/versions is no longer there/,
    ) as string,
  });

  expect(await write()).toMatchObject({ code: 0 });
  expect(await project.run("shard", "--job", "job.json", "--shard", "0/1")).toMatchObject({
    code: 0,
  });
  project.write("job.json", project.read("job.json").replace("as-corrected", "as-known"));
  expect(await project.run("finish", "--job", "job.json")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/JOB_INVALID: .*computed for another job/) as string,
  });
});

test("what cannot be a job or a shard is refused", async () => {
  const { project } = await bank();
  const refused = async (args: readonly string[], code: number, message: RegExp) => {
    expect(await project.run(...args)).toMatchObject({
      code,
      stderr: expect.stringMatching(message) as string,
    });
  };
  await refused(training("out.parquet", "--shards", "2"), 2, /--shards needs --job/);
  await refused(
    training("out.parquet", "--shards", "0", "--job", "job.json"),
    2,
    /--shards 0: give a whole number from 1 to 10000/,
  );
  await refused(
    training("out.jsonl", "--shards", "2", "--job", "job.json"),
    2,
    /with --shards give a file that ends in .parquet/,
  );
  await refused(
    training("none/out.parquet", "--shards", "2", "--job", "job.json"),
    1,
    /OUT_NOT_WRITABLE: .*there is no directory none/,
  );
  await refused(["shard", "--job", "job.json"], 1, /JOB_INVALID: .*the job cannot be read/);
  project.write("job.json", "{}");
  await refused(["finish", "--job", "job.json"], 1, /JOB_INVALID: .*this is no job of shards/);
  await project.run(...training("out.parquet", "--shards", "2", "--job", "job.json"));
  // a file that is damaged, or that would have its folder removed with others
  const written = project.read("job.json");
  const whole = JSON.parse(written) as Record<string, unknown>;
  for (const member of Object.keys(whole).filter((name) => !["format", "kind"].includes(name))) {
    project.write("job.json", JSON.stringify({ ...whole, [member]: undefined }));
    await refused(["finish", "--job", "job.json"], 1, /JOB_INVALID: .*the job is not whole/);
  }
  for (const staging of ["", ".", "..", "../other", `${project.directory}/lake`]) {
    project.write("job.json", JSON.stringify({ ...whole, staging }));
    await refused(["finish", "--job", "job.json"], 1, /JOB_INVALID: .*outside its folder/);
  }
  project.write("job.json", written);
  // the same job again leaves no folder behind
  await project.run(...training("out.parquet", "--shards", "2", "--job", "job.json"));
  expect(project.files().filter((name) => name.startsWith("job-"))).toHaveLength(1);
  await refused(["shard", "--job", "job.json"], 2, /--shard is missing: give 0\/2 to 1\/2/);
  for (const shard of ["2/2", "0/3", "x"])
    await refused(
      ["shard", "--job", "job.json", "--shard", shard],
      2,
      /the job has 2 shards, 0\/2 to 1\/2/,
    );
  // another file takes the name of the output
  const column = { name: "a", database: "a", type: "int64", nullable: false } as const;
  await writeParquet(project.path("out.parquet"), { columns: [column], batches: [] });
  for (const shard of ["0/2", "1/2"])
    await project.run("shard", "--job", "job.json", "--shard", shard);
  await refused(["finish", "--job", "job.json"], 1, /OUT_EXISTS: /);
  expect(project.files().filter((name) => name.startsWith("job-"))).toHaveLength(1);
  await refused(
    training("out.parquet", "--shards", "2", "--job", "other.json"),
    1,
    /OUT_EXISTS: .*add --force/,
  );
});

test("a job over a source without history says so, and sees none that comes later", async () => {
  const { project, feed } = await bank();
  rmSync(project.path("lake"), { recursive: true });
  expect(
    await project.run(...training("out.parquet", "--shards", "1", "--job", "job.json")),
  ).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('source "transactions" has no history yet') as string,
  });
  expect(await project.run(...training("none.parquet"))).toMatchObject({ code: 0 });
  await feed(ALL);
  await project.run("shard", "--job", "job.json", "--shard", "0/1");
  expect(await project.run("finish", "--job", "job.json")).toMatchObject({ code: 0 });
  expect(await content(project.path("out.parquet"))).toEqual(
    await content(project.path("none.parquet")),
  );
});
