import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { startProgram } from "@tidemark/testkit/child-process";
import { expect, onTestFinished, test } from "vitest";
import { bankProject, definitions } from "../support/bank.ts";
import type { Project, CommandResult } from "../support/project.ts";

const config = `
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { defineConfig } from "@tidemark/cli";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";
export default defineConfig({
  definitions, namespace: "bank",
  online: () => sqliteOnlineStore("online.db"),
  offline: () => deltaOfflineStore(localObjects("lake")),
  changes: { recorded: () => recordedTopic("topic.jsonl") },
});
`;

function bank(): Project {
  const project = bankProject();
  project.write("tidemark.config.ts", config);
  return project;
}

const withFeature = (text: string): string =>
  definitions.replace("features: {\n", `features: {\n    ${text}\n`);

test(
  "plan, apply, run and status show new features, features that wait for a backfill, and " +
    "destructive changes",
  async () => {
    const project = bank();
    const first = await project.run("plan");
    expect(first.stdout).toMatch(
      new RegExp(
        String.raw`^namespace "bank": nothing was applied yet\n\+ entity user\n` +
          String.raw`\+ feature weekly_activity\.first: NOT_READY until tidemark run was level ` +
          String.raw`with the log[^]*\n` +
          String.raw`\+ view weekly_activity\n` +
          String.raw`11 added, 0 changed, 0 removed: tidemark apply does it\n$`,
      ),
    );
    expect([first.code, first.stderr]).toEqual([3, ""]);
    const applied = await project.run("apply", "--by", "ann", "--json");
    expect(JSON.parse(applied.stdout)).toMatchObject({
      namespace: "bank",
      applied: null,
      version: 1,
    });
    expect(applied.code).toBe(0);
    const again = await project.run("apply");
    expect(again.stdout).toMatch(
      /^namespace "bank": version 1, applied by ann at \d{4}-[^\n]*Z\nnothing to change\n$/,
    );
    const none = await project.run("plan", "--json");
    expect([none.code, JSON.parse(none.stdout)]).toMatchObject([
      0,
      { changes: [], waiting: [], destructive: false, applied: { by: "ann", version: 1 } },
    ]);

    const ran = await project.run("run", "--until", "caught-up", "--json");
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect((JSON.parse(ran.stdout) as { readonly changes: number }).changes).toBeGreaterThan(50);
    expect(
      JSON.parse((await project.run("run", "--changes", "recorded", "--json")).stdout),
    ).toEqual({ changes: 0, stopped: false, notTaken: [] });
    const status = await project.run("status");
    expect(status.stdout).toMatch(
      new RegExp(
        String.raw`^source transactions\n {2}ready\n {2}newest event [^]*, newest commit [^]*\n` +
          String.raw` {2}level with the log[^]*\n {2}online {3}` +
          String.raw`multi\.public\.transaction_data:0 up to ` +
          String.raw`\d+[^]*; answers from [^]*\n {2}history {2}multi[^]* changes, ` +
          String.raw`\d+ rows in versions\n`,
      ),
    );
    expect([status.code, status.stderr]).toEqual([0, ""]);

    project.write(
      "features.ts",
      withFeature('day: sum(transactions.amount).over("1d"), month: count().over("30d"),').replace(
        'total: sum(transactions.amount).over("7d")',
        'total: sum(transactions.amount).over("3d")',
      ),
    );
    const drifting = await project.run("status");
    expect(drifting.stderr).toMatch(
      new RegExp(
        '^warning: the definitions of this store are not those applied to namespace "bank" ' +
          String.raw`\(version 1, by ann at [^)]*\): ` +
          String.raw`feature weekly_activity\.day is not applied, ` +
          String.raw`feature weekly_activity\.month is not applied, ` +
          String.raw`feature weekly_activity\.total is applied with another definition, ` +
          "service fraud_v1 is applied with another definition, " +
          "view weekly_activity is applied with another definition; " +
          "this process answers under its own definitions: tidemark plan shows what they need, " +
          "tidemark apply applies them; or deploy the definitions that were applied",
      ),
    );
    const plan = await project.run("plan");
    expect(plan.code).toBe(3);
    expect(plan.stdout.split("\n").slice(1)).toEqual([
      "+ feature weekly_activity.day: served at once",
      "+ feature weekly_activity.month: needs a backfill: the online store lacks a window " +
        "of 30d instead of 7d; NEEDS_BACKFILL until then",
      "~ feature weekly_activity.total becomes version 2: served at once",
      "    window: 7d → 3d",
      "    used by service fraud_v1",
      "    destructive: its values change",
      "~ service fraud_v1 becomes version 2",
      "    features.day added: weekly_activity.day",
      "    features.month added: weekly_activity.month",
      "~ view weekly_activity becomes version 2",
      "    longestWindow: 7d → 30d",
      "    used by service fraud_v1",
      expect.stringMatching(
        /^backfill of transactions: about \d+ changes, about 1 s \(not measured\), .* MB$/,
      ),
      "    refused until then: weekly_activity.month (in service fraud_v1)",
      "2 added, 3 changed, 0 removed; 1 of them destructive: tidemark apply does it",
      "",
    ]);
    const refused = await project.run("apply", "--json");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      new RegExp(
        "^tidemark apply: REGISTRY_DESTRUCTIVE: delta offline store in .*: " +
          'the registry of namespace "bank": feature weekly_activity\\.total would be changed ' +
          String.raw`\(its values change\): ` +
          "give the new definition a new name .* --allow-destructive",
      ),
    );
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "REGISTRY_DESTRUCTIVE" } });
    expect((await project.run("apply", "--allow-destructive")).stdout).toMatch(
      new RegExp(
        "\napplied as version 2: 2 added, 3 changed, 0 removed; 1 of them destructive\n" +
          "next: tidemark backfill\n$",
      ),
    );
    const rest = await project.run("plan");
    expect([rest.code, rest.stdout.split("\n").slice(1)]).toEqual([
      0,
      [
        "! feature weekly_activity.month: as it was, and needs a backfill: the online store " +
          "lacks a window of 30d instead of 7d; NEEDS_BACKFILL until then",
        expect.stringMatching(/^backfill of transactions: about \d+ changes, /),
        "    refused until then: weekly_activity.month (in service fraud_v1)",
        "nothing changes: tidemark backfill fills what is missing",
        "",
      ],
    ]);
    expect((await project.run("backfill")).code).toBe(0);
    const level = await project.run("plan");
    expect([level.code, level.stdout.split("\n").slice(1)]).toEqual([0, ["nothing changes", ""]]);
  },
);

test("history shows who applied what, when, and from which commit", async () => {
  const project = bank();
  const git = async (...args: string[]): Promise<string> =>
    (await startProgram("git", args, { cwd: project.directory }).succeeded()).stdout.trim();
  expect(await project.run("history")).toMatchObject({
    code: 0,
    stdout: 'namespace "bank": nothing was applied yet\n',
  });
  await git("init", "-q");
  await git("add", "features.ts");
  const author = ["-c", "user.name=ann", "-c", "user.email=ann@bank.example"];
  await git(...author, "commit", "-qm", "definitions");
  const commit = await git("rev-parse", "HEAD");
  expect((await project.run("apply", "--by", "ann\u001b[2J")).code).toBe(0);
  project.write("features.ts", withFeature('month: count().over("30d"),'));
  expect((await project.run("apply", "--by", "bob", "--allow-destructive")).code).toBe(0);
  project.write("features.ts", definitions);
  await project.run("apply", "--by", "cid", "--from", "release 7", "--allow-destructive");
  const { code, stdout, stderr } = await project.run("history");
  expect([code, stderr]).toEqual([0, ""]);
  const time = String.raw`at \d{4}-\d\d-\d\dT[\d:.]+Z`;
  expect(stdout).toMatch(
    new RegExp(
      `^version 3, applied by cid ${time} from release 7\n[^]*` +
        `\nversion 2, applied by bob ${time} from ${commit}-dirty\n[^]*` +
        String.raw` {2}\+ feature weekly_activity\.month\n[^]*` +
        `\nversion 1, applied by ann \\[2J ${time} from ${commit}\n[^]*` +
        String.raw`\n {2}\+ view weekly_activity\n$`,
    ),
  );
  const json = JSON.parse((await project.run("history", "--last", "1", "--json")).stdout) as {
    applies: object[];
  };
  expect(json).toMatchObject({ namespace: "bank", applies: [{ version: 3, from: "release 7" }] });
  expect(json.applies).toHaveLength(1);
  expect(await project.run("history", "--last", "0")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--last 0 is no whole number from 1 on") as string,
  });
});

test("with refuse, no command opens the stores while the registry is away", async () => {
  const project = bank();
  const away = (mode: string): void => {
    project.write(
      "tidemark.config.ts",
      config
        .replace(
          'deltaOfflineStore(localObjects("lake"))',
          'deltaOfflineStore(s3Objects({ bucket: "b", endpoint: "http://127.0.0.1:9", ' +
            'credentials: { accessKeyId: "a", secretAccessKey: "b" } }))',
        )
        .replace(
          "import { deltaOfflineStore, localObjects }",
          'import { s3Objects } from "@tidemark/adapter-minio";\nimport { deltaOfflineStore }',
        )
        .replace("definitions, namespace", `onDefinitionMismatch: "${mode}", $&`),
    );
  };
  away("refuse");
  expect(await project.run("serve", "--port", "0")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(
      /REGISTRY_UNAVAILABLE: .*namespace "bank" did not answer .*make the offline store reachable/,
    ) as string,
  });
  away("warn");
  const { child, ended } = project.start(["serve", "--port", "0"]);
  expect(await child.line()).toContain("listening");
  child.kill("SIGTERM");
  expect((await ended).stderr).toMatch(/Warning: .*were not compared with those applied/);
});

test("a newer and a damaged registry are named, with the next step", async () => {
  const project = bank();
  expect((await project.run("apply")).code).toBe(0);
  const entry = project.path("lake/_tidemark/registry/bank/00000000000000000000.json");
  const text = readFileSync(entry, "utf8");
  writeFileSync(entry, text.replace('"format":2', '"format":3'));
  for (const command of ["plan", "apply"]) {
    const { code, stderr } = await project.run(command);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /REGISTRY_NEWER_FORMAT: .* has format 3, and .* reads 2: use the version that wrote it/,
      ),
    ]);
  }
  writeFileSync(entry, text.slice(0, -20));
  expect((await project.run("plan")).stderr).toMatch(
    /REGISTRY_DAMAGED: .* cannot be read: it is no JSON; put back its newest entry from a copy/,
  );
  writeFileSync(entry, text.replace('"window":604800000000', '"window":604800000001'));
  expect((await project.run("plan")).stderr).toMatch(
    /REGISTRY_DAMAGED: .* feature "weekly_activity\.\w+" does not fit its fingerprint/,
  );
});

test(
  "a configuration without a history has no plan; without an online store, what is served is " +
    "not known",
  async () => {
    const project = bank();
    project.write("tidemark.config.ts", config.replace(/ {2}offline: .*\n/, ""));
    expect(await project.run("plan")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        "CONFIG_INVALID: tidemark.config.ts: there is no offline store, and this needs one; add " +
          "offline: ",
      ) as string,
    });
    project.write("tidemark.config.ts", config.replace(/ {2}online: .*\n/, ""));
    expect((await project.run("plan")).stdout).toContain(
      "+ feature weekly_activity.total: no online store is configured to ask\n",
    );
    project.write("tidemark.config.ts", config.replace(/ {2}changes: .*\n/, ""));
    expect(await project.run("run")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        "CONFIG_INVALID: tidemark.config.ts: there is no change source; add changes: ",
      ) as string,
    });
  },
);

test("the wrong command line of these commands ends with 2", async () => {
  const project = bank();
  expect(await project.run("aply")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no command "aply"; did you mean "apply"?') as string,
  });
  expect(await project.run("apply", "--allow-destructiv")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean "--allow-destructive"?') as string,
  });
  expect(await project.run("run", "--until", "caughtup")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      '--until caughtup is not caught-up; did you mean "caught-up"?',
    ) as string,
  });
  expect(await project.run("run", "--changes", "recordd")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'no change source is called "recordd"; did you mean "recorded"?',
    ) as string,
  });
  expect((await project.run("plan", "--help")).stdout).toMatch(
    /^Usage: tidemark plan[^]*--config FILE[^]*--json/,
  );
});

test("no output holds a secret, even if a driver's error repeats it", async () => {
  const project = bank();
  project.write(
    "tidemark.config.ts",
    config
      .replace(
        "definitions, namespace",
        'definitions, secrets: { lake: env("TIDEMARK_TEST_LAKE"), unused: ' +
          'env("TIDEMARK_TEST_UNUSED") }, namespace',
      )
      .replace("{ defineConfig }", "{ defineConfig, env }")
      .replace(
        '() => deltaOfflineStore(localObjects("lake"))',
        '({ secrets }) => ({ ...deltaOfflineStore(localObjects("lake")), registry: { load: ' +
          "async () => { throw new Error(`403 for ${secrets.lake} at " +
          'https://x/?key=${encodeURIComponent(secrets.lake)}`); }, save: async () => "done" as ' +
          "const } })",
      ),
  );
  process.env["TIDEMARK_TEST_LAKE"] = "AKIA/very secret+key";
  try {
    const { code, stdout, stderr } = await project.run("plan", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "UNEXPECTED",
        message: "403 for [secret lake] at https://x/?key=[secret lake]",
      },
    });
    expect(stderr).toContain("403 for [secret lake]");
    expect(stdout + stderr).not.toMatch(/very.secret/);
  } finally {
    delete process.env["TIDEMARK_TEST_LAKE"];
  }
  expect(await project.run("plan")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining(
      'SECRET_MISSING: secret "lake": the environment variable TIDEMARK_TEST_LAKE is not set; ' +
        "set it",
    ) as string,
  });
});

test.each([
  "process.emitWarning(`slow: ${secrets.lake}`)",
  "setTimeout(() => { throw new Error(`gone: ${secrets.lake}`); })",
  "void Promise.reject(new Error(`lost: ${secrets.lake}`))",
])("nor does what Node prints by itself: %s", async (what) => {
  const project = bank();
  project.write(
    "tidemark.config.ts",
    config
      .replace(
        "definitions, namespace",
        'definitions, secrets: { lake: env("TIDEMARK_TEST_NODE") }, namespace',
      )
      .replace("{ defineConfig }", "{ defineConfig, env }")
      .replace(
        "() => deltaOfflineStore(",
        `async ({ secrets }) => { ${what}; await new Promise((resolve) => { ` +
          "setTimeout(resolve, 50); }); return deltaOfflineStore(",
      )
      .replace('("lake")),', '("lake")); },'),
  );
  process.env["TIDEMARK_TEST_NODE"] = "open sesame";
  onTestFinished(() => {
    delete process.env["TIDEMARK_TEST_NODE"];
  });
  const { stdout, stderr } = await project.run("plan");
  expect(stderr).toMatch(/(slow|gone|lost): \[secret lake\]/);
  expect(stdout + stderr).not.toContain("open sesame");
});

/** A source that has given all it has, says so on stderr, and goes on until its signal. */
const staying = config.replace(
  'recordedTopic("topic.jsonl")',
  `{
    const source = recordedTopic("topic.jsonl");
    return { ...source, ends: false, async *changes(options) {
      yield* source.changes(options);
      console.error("all read");
      await new Promise((resolve) => {
        const stay = setInterval(() => undefined, 1000);
        options.signal!.addEventListener("abort", () => { clearInterval(stay); resolve(null); });
      });
    } };
  }`,
);

async function stopped(project: Project, ...args: readonly string[]): Promise<CommandResult> {
  const { child, ended } = project.start(["run", "--json", ...args]);
  await child.printed("all read");
  child.kill("SIGTERM");
  return ended;
}

test(
  "a run that is to go on is stopped by SIGTERM and ends well; one that is to catch up was " +
    "interrupted; what is in stays",
  async () => {
    const project = bank();
    project.write("tidemark.config.ts", staying);
    const { code, stdout } = await stopped(project);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { stopped: true }]);
    const early = await stopped(project, "--until", "caught-up");
    expect([early.code, JSON.parse(early.stdout)]).toEqual([
      130,
      { error: { code: "INTERRUPTED", message: "what was read stays; run it again to go on" } },
    ]);
    project.write("tidemark.config.ts", config);
    expect((await project.run("run")).code).toBe(0);
  },
);

test("status says that a history which was put back is behind the online store", async () => {
  const project = bank();
  expect((await project.run("run", "--until", "caught-up")).code).toBe(0);
  expect((await project.run("status")).stdout).not.toContain("behind");
  rmSync(project.path("lake/transactions"), { recursive: true });
  expect((await project.run("status")).stdout).toContain(
    "the history is behind the online store in 3 partitions: training sets lack those changes " +
      "until a run takes them",
  );
});

test("required metadata is listed by plan, and without it apply refuses", async () => {
  const project = bank();
  const requiring = (list: string): void => {
    project.write("tidemark.config.ts", config.replace("definitions, namespace", `${list} $&`));
  };
  requiring('require: ["owner", "description"],');
  const plan = await project.run("plan");
  expect(plan.code).toBe(3);
  expect(plan.stdout).toContain(
    "! view weekly_activity has no owner, no description, and the configuration requires it\n",
  );
  expect(plan.stdout).toMatch(/tidemark apply refuses these definitions until they have/);
  const applied = await project.run("apply");
  expect([applied.code, applied.stderr]).toEqual([
    1,
    expect.stringMatching(/METADATA_MISSING: .*require: entity user has no owner/) as string,
  ]);
  requiring('require: ["ownr"] as never,');
  expect((await project.run("plan")).stderr).toMatch(
    /require must be a list of metadata \(description, owner.*CONFIG_INVALID/,
  );
});
