/** The options of `openStore`: the short and the long form of a store, and what is refused. */
import { openStore, type StoreOptions } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { configuredStores } from "../../src/store/store-options.ts";
import { rejectionOf } from "../support/shop.ts";

const online = memoryOnlineStore();
const offline = memoryOfflineStore();
const definitions = {};

test("a store alone has the defaults of the long form", () => {
  const alone = configuredStores({ definitions, online, offline });
  expect(alone).toEqual(
    configuredStores({
      definitions,
      online: { store: online, retention: "1d", logRetention: "7d" },
      offline: { store: offline },
    }),
  );
  expect([alone.online === online, alone.offline === offline, alone.retention]).toEqual([
    true,
    true,
    { retain: 86_400e6, logRetention: 7 * 86_400e6 },
  ]);
});

test("options stand beside their store, and durations are text", () => {
  expect(
    configuredStores({
      definitions,
      online: {
        store: online,
        retention: "forever",
        logRetention: "30d",
        answerCache: { maxBytes: 5 },
        serveWhileFilling: true,
      },
      offline: { store: offline, commit: { rows: 10, age: "10s" }, buckets: 4 },
    }),
  ).toEqual({
    online,
    offline,
    retention: { retain: Infinity, logRetention: 30 * 86_400e6 },
    answerCacheBytes: 5,
    audit: null,
    serveWhileFilling: true,
    servingLog: null,
    history: { commit: { rows: 10, age: 10e6 } },
    compaction: { buckets: 4, layoutLimits: undefined, rewriteBytes: undefined },
  });
});

const refused: readonly (readonly [string, object, string, string])[] = [
  [
    "retain at its former place",
    { online, retain: "1d" },
    "OPTION_UNKNOWN",
    'openStore has no option "retain" any more; write online: { store, retention }',
  ],
  [
    "logRetention at its former place",
    { online, logRetention: "7d" },
    "OPTION_UNKNOWN",
    'openStore has no option "logRetention" any more; write online: { store, logRetention }',
  ],
  [
    "answerCacheBytes",
    { online, answerCacheBytes: 0 },
    "OPTION_UNKNOWN",
    'openStore has no option "answerCacheBytes" any more; ' +
      "write online: { store, answerCache: { maxBytes } }",
  ],
  [
    "history",
    { offline, history: { buckets: 2 } },
    "OPTION_UNKNOWN",
    'openStore has no option "history" any more; write offline: { store, commit, buckets }',
  ],
  [
    "retain beside the store",
    { online: { store: online, retain: "1d" } },
    "OPTION_UNKNOWN",
    'openStore: online has no option "retain" any more; write retention',
  ],
  [
    "a misspelt option of the answer cache",
    { online: { store: online, answerCache: { maxByte: 1 } } },
    "OPTION_UNKNOWN",
    'openStore: online.answerCache has no option "maxByte"; did you mean "maxBytes"?',
  ],
  [
    "a misspelt limit of a commit",
    { offline: { store: offline, commit: { row: 1 } } },
    "OPTION_UNKNOWN",
    'openStore: offline.commit has no option "row"; did you mean "rows"?',
  ],
  [
    "a misspelt option",
    { onlin: online },
    "OPTION_UNKNOWN",
    'openStore has no option "onlin"; did you mean "online"?',
  ],
  [
    "options without a store",
    { online: { retention: "1d" } },
    "OPTION_INVALID",
    'openStore: online holds no store; give online: sqliteOnlineStore("online.db"), or with ' +
      "options online: { store: …, retention, logRetention, answerCache, serveWhileFilling }",
  ],
  [
    "a path in place of a store",
    { offline: "./lake" },
    "OPTION_INVALID",
    "openStore: offline holds no store; give offline: deltaOfflineStore",
  ],
  [
    "an age in microseconds",
    { offline: { store: offline, commit: { age: 60e6 } } },
    "DURATION_INVALID",
    "openStore: offline.commit.age: 60000000 is not a duration",
  ],
];
test.each(refused)("%s is refused", async (_, options, code, message) => {
  const error = await rejectionOf(
    openStore({ definitions, ...options } as unknown as StoreOptions),
  );
  expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
});
