/** The options of `openStore`: each store with what belongs to it. */
import type { AuditCaller } from "../audit/audit-types.ts";
import { durationMicros, type Duration } from "../define/duration.ts";
import { TidemarkError } from "../errors.ts";
import { flagOption, refuseUnknownOptions, type OptionNames } from "../option-checks.ts";
import type { Retention } from "../online/retention.ts";
import type { OnDefinitionMismatch } from "../registry/definition-mismatch.ts";
import type { CompactionSettings } from "../offline/compaction.ts";
import type { LayoutLimits } from "../offline/merge-plan.ts";
import type { HistoryOptions } from "../resnapshot/store-writers.ts";
import {
  servingLogSettings,
  type ServingLogOptions,
  type ServingLogSettings,
} from "../serving-log/serving-log-options.ts";
import type { ComputeEngine, OfflineStore, OnlineStore } from "../spi.ts";

/** A length of time, or for ever. */
export type Keep = Duration | "forever";

/** The online store, and how it is used. */
export interface OnlineOptions {
  /** The online store, such as `sqliteOnlineStore("online.db")`. */
  readonly store: OnlineStore;
  /**
   * How far back `asOf` may ask the online store (law 1: every t from the horizon on is answered).
   * Default: "1d". "forever" keeps everything.
   */
  readonly retention?: Keep | undefined;
  /**
   * The retention of your topics. The online store remembers deleted rows for so long, because the
   * change log may deliver an older change of the row again. Default: "7d".
   */
  readonly logRetention?: Keep | undefined;
  readonly answerCache?: AnswerCacheOptions | undefined;
  /**
   * Answers from a source that was never level with its log or its history. Such an answer can be a
   * smaller number. Without this option the answer is `NOT_READY`. Default: false.
   */
  readonly serveWhileFilling?: boolean | undefined;
}

/** The answer cache of a process. A cached answer equals what the store would compute. */
export interface AnswerCacheOptions {
  /** The approximate size of the cached answers in memory, bytes. 0: no cache. Default: 32 MiB. */
  readonly maxBytes?: number | undefined;
}

/** The offline store, and how the history is written to it. */
export interface OfflineOptions {
  /** The offline store, such as `deltaOfflineStore(localObjects("./lake"))`. */
  readonly store: OfflineStore;
  /** Limits of a commit to the change log. The first limit that is reached commits. */
  readonly commit?: CommitOptions | undefined;
  /** @internal The number of buckets by primary key in which a rewrite derives versions. */
  readonly buckets?: number | undefined;
  /** @internal When time buckets are merged and split, for tests of small histories. */
  readonly layoutLimits?: LayoutLimits | undefined;
  /** @internal Bytes of changes that a rewrite holds in memory, for tests of larger histories. */
  readonly rewriteBytes?: number | undefined;
}

/** Limits of a commit to the change log. */
export interface CommitOptions {
  /** Default: 50,000. */
  readonly rows?: number | undefined;
  /** Default: 64 MiB. */
  readonly bytes?: number | undefined;
  /** The age of the oldest change that is not committed. Default: "1m". */
  readonly age?: Duration | undefined;
}

/** The options of `openStore`. */
export interface StoreOptions {
  /** The module of definitions, or an object of them. */
  readonly definitions: { readonly [exported: string]: unknown };
  /** The online store, with its options or alone. */
  readonly online?: OnlineStore | OnlineOptions | undefined;
  /** The offline store, with its options or alone. */
  readonly offline?: OfflineStore | OfflineOptions | undefined;
  /**
   * Logs what is served to a table of the offline store, for `store.skew`. `{}` logs every request.
   * The log holds keys and values. Default: nothing is logged.
   */
  readonly servingLog?: ServingLogOptions | undefined;
  /**
   * Writes who applied, pushed, erased, backfilled and materialized to a table of the offline
   * store, for `store.audits`. true: the caller is `user@machine`. Default: nothing is written.
   */
  readonly audit?: boolean | AuditCaller | undefined;
  /** Computes historical features. Default: the local engine. */
  readonly engine?: ComputeEngine | undefined;
  /** The current time. Default: the machine's clock. */
  readonly clock?: (() => Date) | undefined;
  /** Keeps stores apart that share one online store. Default: "default". */
  readonly namespace?: string | undefined;
  /**
   * What happens when these definitions are not those that were applied (`store.apply`). "warn"
   * warns with the code `DEFINITION_MISMATCH`, "refuse" throws that code, and "ignore" does not
   * compare. A registry that does not answer is `REGISTRY_UNAVAILABLE`, in the same way. Nothing
   * happens when nothing was applied, or the store has no registry. Default: "warn".
   */
  readonly onDefinitionMismatch?: OnDefinitionMismatch | undefined;
  /** Called with the number of sums that overflowed their type (law 3: such a sum saturates). */
  readonly onOverflow?: ((count: number) => void) | undefined;
  /** Called with the number of lists and maps that lack elements, because a bound cut them. */
  readonly onTruncated?: ((count: number) => void) | undefined;
}

/** The stores, and their options in the units that the code computes with. */
export interface ConfiguredStores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly retention: Retention;
  readonly answerCacheBytes: number | undefined;
  readonly serveWhileFilling: boolean;
  /** null: nothing is logged. */
  readonly servingLog: ServingLogSettings | null;
  /** null: there is no audit. */
  readonly audit: AuditCaller | null;
  readonly history: Pick<HistoryOptions, "commit">;
  /** How each source is compacted. */
  readonly compaction: Pick<CompactionSettings, "buckets" | "layoutLimits" | "rewriteBytes">;
}

const STORE_OPTIONS: OptionNames = {
  names: new Set<keyof StoreOptions>([
    "definitions",
    "online",
    "offline",
    "servingLog",
    "audit",
    "engine",
    "clock",
    "namespace",
    "onDefinitionMismatch",
    "onOverflow",
    "onTruncated",
  ]),
  renamed: {
    retain: "online: { store, retention }",
    logRetention: "online: { store, logRetention }",
    answerCacheBytes: "online: { store, answerCache: { maxBytes } }",
    history: "offline: { store, commit, buckets }",
  },
};
const ONLINE_OPTIONS: OptionNames = {
  names: new Set<keyof OnlineOptions>([
    "store",
    "retention",
    "logRetention",
    "answerCache",
    "serveWhileFilling",
  ]),
  renamed: { retain: "retention", answerCacheBytes: "answerCache: { maxBytes }" },
};
const ANSWER_CACHE_OPTIONS: OptionNames = { names: new Set(["maxBytes"]), renamed: {} };
const OFFLINE_OPTIONS: OptionNames = {
  names: new Set<keyof OfflineOptions>([
    "store",
    "commit",
    "buckets",
    "rewriteBytes",
    "layoutLimits",
  ]),
  renamed: { history: "commit and buckets" },
};
const AUDIT_OPTIONS: OptionNames = {
  names: new Set<keyof AuditCaller>(["by", "from"]),
  renamed: {},
};
const COMMIT_OPTIONS: OptionNames = { names: new Set(["rows", "bytes", "age"]), renamed: {} };

/**
 * Reads the stores and their options.
 *
 * @throws OPTION_UNKNOWN when there is no such option. For a former name the message tells the new
 * place.
 * @throws OPTION_INVALID when `online` or `offline` is no store and holds none.
 * @throws DURATION_INVALID when a duration is none.
 */
export function configuredStores(options: StoreOptions): ConfiguredStores {
  refuseUnknownOptions("openStore", options, STORE_OPTIONS);
  const online = withStore<OnlineOptions>("online", options.online, ONLINE_OPTIONS);
  const offline = withStore<OfflineOptions>("offline", options.offline, OFFLINE_OPTIONS);
  const { answerCache = {} } = online;
  refuseUnknownOptions("openStore: online.answerCache", answerCache, ANSWER_CACHE_OPTIONS);
  const { commit = {}, buckets, rewriteBytes, layoutLimits } = offline;
  refuseUnknownOptions("openStore: offline.commit", commit, COMMIT_OPTIONS);
  if (options.servingLog !== undefined && (!online.store || !offline.store))
    throw new TidemarkError(
      "STORE_MISSING",
      "openStore: servingLog logs what the online store answers, to a table of the offline " +
        `store; give both, such as online: ${EXAMPLES.online} and offline: ${EXAMPLES.offline}`,
    );
  const audit = auditCaller(options.audit);
  if (audit !== null && !offline.store)
    throw new TidemarkError(
      "STORE_MISSING",
      "openStore: audit writes a table of the offline store; give one, such as " +
        `offline: ${EXAMPLES.offline}, or leave audit out`,
    );
  return {
    online: online.store,
    offline: offline.store,
    retention: {
      retain: keepMicros("online.retention", online.retention ?? "1d"),
      logRetention: keepMicros("online.logRetention", online.logRetention ?? "7d"),
    },
    answerCacheBytes: answerCache.maxBytes,
    serveWhileFilling: flagOption("openStore: online.serveWhileFilling", online.serveWhileFilling),
    servingLog: options.servingLog === undefined ? null : servingLogSettings(options.servingLog),
    audit,
    history: {
      commit: {
        ...(commit.rows === undefined ? {} : { rows: commit.rows }),
        ...(commit.bytes === undefined ? {} : { bytes: commit.bytes }),
        ...(commit.age === undefined
          ? {}
          : { age: durationMicros("openStore: offline.commit.age", commit.age) }),
      },
    },
    compaction: { buckets, layoutLimits, rewriteBytes },
  };
}

/** Reads who acts. null: there is no audit. */
function auditCaller(given: unknown): AuditCaller | null {
  if (given === undefined || given === false) return null;
  if (given === true) return {};
  const isObject = typeof given === "object" && given !== null;
  if (isObject) refuseUnknownOptions("openStore: audit", given, AUDIT_OPTIONS);
  const { by, from } = isObject
    ? (given as { readonly by?: unknown; readonly from?: unknown })
    : {};
  const isText = (one: unknown): boolean => one === undefined || typeof one === "string";
  if (isObject && isText(by) && isText(from)) return given as AuditCaller;
  throw new TidemarkError(
    "OPTION_INVALID",
    "openStore: audit must be true, false or the caller as texts, such as " +
      '{ by: "nightly load", from: "job 42" }',
  );
}

function keepMicros(option: string, keep: Keep): number {
  return keep === "forever" ? Infinity : durationMicros(`openStore: ${option}`, keep);
}

/** A store of each role, for errors. */
export const EXAMPLES = {
  online: 'sqliteOnlineStore("online.db")',
  offline: 'deltaOfflineStore(localObjects("./lake"))',
} as const;

/** Brings the short form, a store alone, into the long form. */
function withStore<Options extends { readonly store: unknown }>(
  role: "online" | "offline",
  given: unknown,
  names: OptionNames,
): Partial<Options> {
  if (given === undefined) return {};
  if (typeof given === "object" && given !== null && "store" in given) {
    refuseUnknownOptions(`openStore: ${role}`, given, names);
    if (isStore(given.store)) return given as unknown as Options;
  } else if (isStore(given)) return { store: given } as Partial<Options>;
  throw new TidemarkError(
    "OPTION_INVALID",
    `openStore: ${role} holds no store; give ${role}: ` +
      `${EXAMPLES[role]}, ` +
      `or with options ${role}: { store: …, ${[...names.names].slice(1).join(", ")} }`,
  );
}

function isStore(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { readonly close?: unknown }).close === "function"
  );
}
