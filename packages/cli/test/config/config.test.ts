import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { count, entity, featureView, int64, source, string, timestamp } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, onTestFinished, test } from "vitest";
import type { LoadedConfig } from "../../src/config/config-file.ts";
import { configOf, defineConfig } from "../../src/config/define-config.ts";
import { openConfigured } from "../../src/config/open-configured.ts";
import { env, file, redact, redactAll, secretsOf } from "../../src/config/secret.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: { id: int64("id"), user_id: string("user"), time: timestamp("time", { zone: "UTC" }) },
  primaryKey: ["id"],
  eventTime: "time",
});
const definitions = {
  weekly: featureView("weekly", {
    entity: user,
    source: payments,
    features: { number: count().over("7d") },
  }),
};

const loaded = (config: Parameters<typeof defineConfig>[0]): LoadedConfig => ({
  ...configOf(defineConfig(config))!,
  file: "tidemark.config.ts",
  path: "/x/tidemark.config.ts",
});

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "tidemark-config-"));
  onTestFinished(() => {
    rmSync(made, { recursive: true, force: true });
  });
  return made;
}

function environment(name: string, value: string): void {
  process.env[name] = value;
  onTestFinished(() => {
    delete process.env[name];
  });
}

test("a secret is read when a store that needs it is opened, and not before", async () => {
  const config = loaded({
    definitions,
    secrets: { s3: env("TIDEMARK_TEST_UNSET") },
    online: () => memoryOnlineStore(),
    offline: ({ secrets }) => {
      void secrets["s3"];
      return memoryOfflineStore();
    },
  });
  const { store, online, offline } = await openConfigured(config, { offline: false });
  expect(online?.name).toBe("memory online store");
  expect(offline).toBeUndefined();
  await store.close();
  await expect(openConfigured(config)).rejects.toMatchObject({
    code: "SECRET_MISSING",
    message:
      'secret "s3": the environment variable TIDEMARK_TEST_UNSET is not set; ' +
      "set it, or name another place in the configuration",
  });
});

test(
  "an empty variable and a missing or empty file are SECRET_MISSING; a secret excludes the " +
    "last line break of its file",
  () => {
    const place = directory();
    environment("TIDEMARK_TEST_EMPTY", "");
    writeFileSync(join(place, "empty"), "\n");
    writeFileSync(join(place, "secret"), " two\nlines \r\n");
    const secrets = secretsOf({
      empty: env("TIDEMARK_TEST_EMPTY"),
      none: file(join(place, "none")),
      blank: file(join(place, "empty")),
      good: file(join(place, "secret")),
      directory: file(place),
    });
    expect(() => secrets["empty"]).toThrow(
      /secret "empty": the environment variable TIDEMARK_TEST_EMPTY is empty; set it/,
    );
    expect(() => secrets["none"]).toThrow(
      /secret "none": the file .*none does not exist; put it there/,
    );
    expect(() => secrets["blank"]).toThrow(/secret "blank": the file .*empty is empty/);
    expect(() => secrets["directory"]).toThrow(
      /secret "directory": the file .* cannot be read \(EISDIR\)/,
    );
    expect(secrets["good"]).toBe(" two\nlines ");
  },
);

test("a secret file of PowerShell has the secret, and bytes that are no text are refused", () => {
  const place = mkdtempSync(join(tmpdir(), "tidemark-secret-"));
  onTestFinished(() => {
    rmSync(place, { recursive: true });
  });
  const write = (name: string, content: string | Buffer) => {
    writeFileSync(join(place, name), content);
    return file(join(place, name));
  };
  const secrets = secretsOf({
    marked: write("marked", "\uFEFFswordfish\r\n"),
    wide: write("wide", Buffer.from("\uFEFFswordfish\r\n", "utf16le")),
    binary: write("binary", Buffer.of(0x61, 0xff, 0x62)),
  });
  expect(secrets["marked"]).toBe("swordfish");
  expect(secrets["wide"]).toBe("swordfish");
  expect(() => secrets["binary"]).toThrow(/secret "binary": the file .*binary is not UTF-8/);
});

test("references and secrets print no value", () => {
  environment("TIDEMARK_TEST_SECRET", "swordfish-1");
  const references = {
    inspect: env("TIDEMARK_TEST_SECRET"),
    toJSON: env("TIDEMARK_TEST_SECRET"),
    plain: env("TIDEMARK_TEST_SECRET"),
  };
  const { plain } = references;
  for (const one of [
    secretsOf({ plain }),
    secretsOf(references),
    references,
    { deep: [secretsOf({ plain })] },
    defineConfig({ definitions, secrets: references }),
  ]) {
    const printed = [
      inspect(one, { depth: 9, showHidden: true, getters: false }),
      JSON.stringify(one),
      JSON.stringify(Object.entries(one)),
    ].join("\n");
    expect(printed).not.toContain("swordfish-1");
  }
  expect(`${String(secretsOf({ plain }))} ${JSON.stringify(plain)}`).toBe(
    '[secrets plain] "[secret in environment variable TIDEMARK_TEST_SECRET]"',
  );
  expect(secretsOf(references)["toJSON"]).toBe("swordfish-1");
});

test("redact removes a secret as it is, in a URL, in JSON, and as a URL's password", () => {
  environment("TIDEMARK_TEST_URL", "postgres://bank:p%40ss%2Fword@db/bank");
  environment("TIDEMARK_TEST_QUOTED", 'a"b/c d');
  environment("TIDEMARK_TEST_PART", "bank:p%40ss%2Fword");
  const secrets = secretsOf({
    database: env("TIDEMARK_TEST_URL"),
    quoted: env("TIDEMARK_TEST_QUOTED"),
    part: env("TIDEMARK_TEST_PART"),
  });
  expect(redact('a"b/c d')).toBe('a"b/c d');
  expect([secrets["database"], secrets["quoted"], secrets["part"]]).toHaveLength(3);
  expect(
    redact("cannot reach postgres://bank:p%40ss%2Fword@db/bank: wrong password p@ss/word"),
  ).toBe("cannot reach [secret database]: wrong password [secret database]");
  expect(redact(`${JSON.stringify('a"b/c d')} ${encodeURIComponent('a"b/c d')} a"b/c d`)).toBe(
    '"[secret quoted]" [secret quoted] [secret quoted]',
  );
  expect(
    redactAll({ rows: 3, list: ['a"b/c d', 1n, null], when: new Date(0), 'a"b/c d': true }),
  ).toEqual({
    rows: 3,
    list: ["[secret quoted]", 1n, null],
    when: "1970-01-01T00:00:00.000Z",
    "[secret quoted]": true,
  });
});

test("redact leaves words whole of which a short secret is a part", () => {
  environment("TIDEMARK_TEST_SHORT", "otter");
  environment("TIDEMARK_TEST_TINY", "a");
  environment("TIDEMARK_TEST_LINES", "first-line-of-two\nsecond-line");
  const secrets = secretsOf({
    short: env("TIDEMARK_TEST_SHORT"),
    tiny: env("TIDEMARK_TEST_TINY"),
    lines: env("TIDEMARK_TEST_LINES"),
  });
  expect([secrets["short"], secrets["tiny"], secrets["lines"]]).toHaveLength(3);
  expect(redact("a potter at /srv/otter/a.db: otter, otters and ö_otter")).toBe(
    "a potter at /srv/[secret short]/a.db: [secret short], otters and ö_otter",
  );
  expect(redact("see postgres://ana:not-read@db:5432/bank and https://db:5432/a@b")).toBe(
    "see postgres://ana:[password]@db:5432/bank and https://db:5432/a@b",
  );
  expect(redact("not second-line, nor xfirst-line-of-two")).toBe(
    "not [secret lines], nor x[secret lines]",
  );
});

test("a store that fails to open is named without secret, and open stores close", async () => {
  environment("TIDEMARK_TEST_PASSWORD", "correct-horse");
  let closed = 0;
  const config = loaded({
    definitions,
    secrets: { password: env("TIDEMARK_TEST_PASSWORD") },
    online: () => ({
      ...memoryOnlineStore(),
      close: async () => {
        closed++;
      },
    }),
    offline: ({ secrets }) => {
      throw new Error(`access denied for bank/${secrets["password"]!}`);
    },
  });
  const error: unknown = await openConfigured(config).catch((one: unknown) => one);
  expect(error).toMatchObject({
    code: "CONFIG_NOT_OPENED",
    message:
      "tidemark.config.ts: offline threw: access denied for bank/[secret password]; " +
      "check the values that it gets",
  });
  expect(inspect(error, { depth: 9 })).not.toContain("correct-horse");
  expect(closed).toBe(1);
});

test("a store or a change source that is not configured is named", async () => {
  const config = loaded({
    definitions,
    online: () => memoryOnlineStore(),
    changes: {
      bank: ({ until }) => ({
        name: `bank until ${until}`,
        async *changes() {
          yield* [];
        },
      }),
    },
  });
  await expect(openConfigured(config, { offline: true })).rejects.toThrow(
    /CONFIG_INVALID|there is no offline store, and this needs one; add offline: \(\) => delta/,
  );
  const { changes, close } = await openConfigured(config);
  expect((await changes("bank", { until: "caught-up" })).name).toBe("bank until caught-up");
  await expect(changes("bnk")).rejects.toThrow(
    'tidemark.config.ts: no change source is called "bnk"; did you mean "bank"? (there is bank)',
  );
  await close();
});

test("options beside the function that opens a store reach openStore", async () => {
  const config = loaded({
    definitions,
    online: { store: () => memoryOnlineStore(), retention: "2 hours" as "2h" },
    offline: { store: () => memoryOfflineStore(), commit: { age: "10 s" as "10s" } },
  });
  await expect(openConfigured(config, { offline: false })).rejects.toThrow(
    'openStore: online.retention: "2 hours" is not a duration',
  );
  await expect(openConfigured(config, { online: false })).rejects.toThrow(
    'openStore: offline.commit.age: "10 s" is not a duration',
  );
});

const invalid: readonly (readonly [string, object, string])[] = [
  [
    "an unknown member",
    { definitions, onlin: () => null },
    'there is no member "onlin"; did you mean "online"?',
  ],
  ["no definitions", {}, "definitions is missing"],
  [
    "a store that is no function",
    { definitions, online: {} },
    "online must be a function that opens the store, as in online: () => …",
  ],
  [
    "an option of a store at its former place",
    { definitions, retain: "1d" },
    'there is no member "retain" any more; write online: { store, retention }',
  ],
  [
    "an unknown option of a store",
    { definitions, online: { store: () => null, retain: "1d" } },
    'online has no member "retain"; the members are store, retention, logRetention, answerCache',
  ],
  [
    "an unknown setting of runs",
    { definitions, run: { mismach: 0.9 } },
    'run has no member "mismach"; did you mean "mismatch"?',
  ],
  [
    "a port of metrics that is none",
    { definitions, run: { metrics: { port: -1 } } },
    "run.metrics.port must be a whole number from 0 to 65535",
  ],
  [
    "a token of metrics that is no secret",
    { definitions, run: { metrics: { port: 1, secret: "other" } } },
    "run.metrics.secret is none of secrets (there are none)",
  ],
  [
    "a share above one",
    { definitions, run: { mismatch: 50 } },
    'run.mismatch must be a share from 0 to 1, such as 0.5, or "ignore"',
  ],
  [
    "an unknown setting of alerts",
    { definitions, alerts: { webhook: { url: "https://chat.example/hook" }, lags: "5m" } },
    'alerts has no member "lags"; did you mean "lag"?',
  ],
  [
    "connectors that are no list",
    { definitions, connectors: { url: "http://connect:8083", name: "bank" } },
    "connectors must be a list of { url, name }",
  ],
  [
    "an unknown setting of a connector",
    { definitions, connectors: [{ url: "http://connect:8083", nam: "bank" }] },
    'connectors[0] has no member "nam"; did you mean "name"?',
  ],
  [
    "a connector with no address",
    { definitions, connectors: [{ url: "ana:s3cret@connect", name: "bank" }] },
    "connectors[0].url must be an address that begins with https:// or http://",
  ],
  [
    "a connector with no name",
    { definitions, connectors: [{ url: "http://connect:8083", name: "" }] },
    "connectors[0].name must be the name of a connector",
  ],
  [
    "an authorization that is no secret",
    {
      definitions,
      connectors: [{ url: "http://connect:8083", name: "bank", authorization: "Basic x" }],
    },
    "connectors[0].authorization is none of secrets (there are none)",
  ],
  [
    "alerts without a webhook",
    { definitions, alerts: { lag: "5m" } },
    "alerts.webhook must be { secret }, the name of a secret with the address",
  ],
  [
    "a webhook that is no address",
    { definitions, alerts: { webhook: { url: "chat.example/s3cret" } } },
    "alerts.webhook.url must be an address that begins with https:// or http://",
  ],
  [
    "a webhook whose secret is none",
    { definitions, alerts: { webhook: { secret: "hook" } } },
    "alerts.webhook.secret is none of secrets (there are none)",
  ],
  [
    "an unknown zone",
    { definitions, zone: "Asia/Saigon2" },
    'zone "Asia/Saigon2" is not known here; give an IANA name',
  ],
  [
    "an empty namespace",
    { definitions, namespace: "" },
    "namespace must be a text that is not empty",
  ],
  ["a list of change sources", { definitions, changes: [] }, "changes must be an object"],
  [
    "a change source that is none",
    { definitions, changes: { bank: 1 } },
    "changes.bank must be a function that makes the change source",
  ],
];
for (const [text, config, message] of invalid) {
  test(`a configuration with ${text} is refused`, () => {
    expect(() => defineConfig(config as never)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(`tidemark.config.ts: ${message}`) as string,
      }) as Error,
    );
  });
}

test("a value in place of a reference is refused and not repeated", () => {
  expect(() => defineConfig({ definitions, secrets: { database: "hunter2" as never } })).toThrow(
    /secrets\.database must be a reference, env\("NAME"\) or .*, and never the secret itself$/,
  );
});
