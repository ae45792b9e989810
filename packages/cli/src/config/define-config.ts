/** The type of the configuration in `tidemark.config.ts`, and its check. */
import {
  TidemarkError,
  type OfflineOptions,
  type OnlineOptions,
  type StoreOptions,
} from "@tidemark/core";
import type { ChangeSource, JobEngine, OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { didYouMean, REQUIRABLE, type RequiredMetadata } from "@tidemark/core/internal";
import { checkAlerts, type AlertsConfig } from "./alerts-config.ts";
import { checkConnectors, type ConnectorConfig } from "./connectors-config.ts";
import { checkLoadJobs, type LoadJob } from "./load-jobs.ts";
import { checkRun, type RunConfig } from "./run-config.ts";
import { checkServer, type ServerConfig } from "./server-config.ts";
import { isSecretReference, type OpenContext, type SecretReferences } from "./secret.ts";

/**
 * A registered symbol. The configuration may load another copy of this package than the command.
 */
const configSymbol: unique symbol = Symbol.for("tidemark.config/1") as never;

/** What `changes` of the configuration gets. */
export interface OpenChangesContext<
  S extends SecretReferences = SecretReferences,
> extends OpenContext<S> {
  /**
   * "caught-up": the source ends where its log ends now. "signal": the source goes on until the
   * signal aborts.
   */
  readonly until: "signal" | "caught-up";
}

/** Opens a store of the configuration. */
export type OpensStore<Store, S extends SecretReferences = SecretReferences> = (
  opening: OpenContext<S>,
) => Store | Promise<Store>;

/** A function that opens a store, alone or as `store` of the options that `openStore` takes. */
export type StoreConfig<Store, Options, S extends SecretReferences = SecretReferences> =
  | OpensStore<Store, S>
  | (Omit<Options, "store"> & { readonly store: OpensStore<Store, S> });

/** The configuration as a user writes it. */
export interface ConfigInput<S extends SecretReferences = SecretReferences> extends Pick<
  StoreOptions,
  "onDefinitionMismatch" | "servingLog"
> {
  /** The module of definitions, as in `import * as definitions from "./features.ts"`. */
  readonly definitions: { readonly [exported: string]: unknown };
  /** Separates feature stores that share one online store; default: "default". */
  readonly namespace?: string | undefined;
  /** The zone of the days that `--date` names, as an IANA name; default: UTC. */
  readonly zone?: string | undefined;
  /** References to secrets: `env("NAME")` or `file("path")`, never a value. */
  readonly secrets?: S | undefined;
  /** Opens the online store: a function, or the options of `openStore` with one as `store`. */
  readonly online?: StoreConfig<OnlineStore, OnlineOptions, S> | undefined;
  /** Opens the offline store: a function, or the options of `openStore` with one as `store`. */
  readonly offline?: StoreConfig<OfflineStore, OfflineOptions, S> | undefined;
  /** Change sources by name, for `--changes NAME` of `tidemark run` and `tidemark resnapshot`. */
  readonly changes?:
    | {
        readonly [name: string]: (
          opening: OpenChangesContext<S>,
        ) => ChangeSource | Promise<ChangeSource>;
      }
    | undefined;
  /** Settings of `tidemark run` and `tidemark resnapshot`. An option of the command goes before. */
  readonly run?: RunConfig<S> | undefined;
  /** Load jobs by name, for `tidemark load`. */
  readonly load?: { readonly [name: string]: LoadJob<S> } | undefined;
  /** Engines by name, for `--engine NAME` of `tidemark training-set`. */
  readonly engines?: { readonly [name: string]: JobEngine<never> } | undefined;
  /** Settings of `tidemark serve`. */
  readonly server?: ServerConfig<S> | undefined;
  /** Where `tidemark run` and `tidemark serve` send alerts. Default: nowhere. */
  readonly alerts?: AlertsConfig<S> | undefined;
  /** The Debezium connectors whose states the console shows. Default: none. */
  readonly connectors?: readonly ConnectorConfig<S>[] | undefined;
  /**
   * The metadata that each definition must have: `tidemark plan` lists definitions without it, and
   * `tidemark apply` refuses them. Default: none.
   */
  readonly require?: readonly RequiredMetadata[] | undefined;
  /**
   * Where the audit goes. The audit log has a JSON line for each push, for each command that
   * changes stores, and for each refused caller. The audit table of the history has the actions of
   * all processes, for `tidemark audit`. Default: the log goes to stderr, and the table is written.
   * false: neither is written.
   */
  readonly audit?: boolean | AuditConfig | undefined;
}

/** Where the audit goes. */
export interface AuditConfig {
  /**
   * The file of the audit log. It is appended to, and made for its owner alone; SIGHUP opens it
   * again. Default: stderr.
   */
  readonly file?: string | undefined;
  /** false: no audit table. Default: true. */
  readonly table?: boolean | undefined;
}

/** A checked configuration. */
export interface Config {
  readonly [configSymbol]: ConfigInput;
}

const CONFIG_MEMBERS: Readonly<Record<keyof ConfigInput, "object" | "text" | "store" | "any">> = {
  definitions: "object",
  namespace: "text",
  zone: "text",
  secrets: "object",
  online: "store",
  offline: "store",
  servingLog: "object",
  changes: "object",
  run: "object",
  load: "object",
  engines: "object",
  server: "object",
  alerts: "any",
  connectors: "any",
  require: "any",
  audit: "any",
  onDefinitionMismatch: "any",
};

/** The new place of each former member. */
const MOVED_MEMBERS: Readonly<Record<string, string>> = {
  retain: "online: { store, retention }",
  logRetention: "online: { store, logRetention }",
  answerCacheBytes: "online: { store, answerCache: { maxBytes } }",
  history: "offline: { store, commit, buckets }",
};

/**
 * Checks the configuration of a project. `tidemark.config.ts` exports the result as its default.
 * The call opens no store and reads no secret.
 *
 * @throws CONFIG_INVALID when a member is unknown or has the wrong form.
 *
 * @example
 * export default defineConfig({
 *   definitions,
 *   secrets: { s3: env("S3_SECRET") },
 *   online: () => sqliteOnlineStore("online.db"),
 *   offline: ({ secrets }) => {
 *     const credentials = { accessKeyId: "bank", secretAccessKey: secrets.s3 };
 *     return deltaOfflineStore(s3Objects({ bucket: "lake", credentials }));
 *   },
 * });
 */
export function defineConfig<const S extends SecretReferences = {}>(
  config: ConfigInput<S>,
): Config {
  const given = membersOf("the configuration", config);
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(CONFIG_MEMBERS, name)
      ? CONFIG_MEMBERS[name as keyof ConfigInput]
      : undefined;
    if (kind === undefined && Object.hasOwn(MOVED_MEMBERS, name))
      throw configInvalid(`there is no member "${name}" any more; write ${MOVED_MEMBERS[name]!}`);
    if (kind === undefined) {
      const members = Object.keys(CONFIG_MEMBERS);
      const next = didYouMean(name, members) || `; the members are ${members.join(", ")}`;
      throw configInvalid(`there is no member "${name}"${next}`);
    }
    if (value === undefined || kind === "any") continue;
    if (kind === "object") membersOf(name, value);
    else if (kind === "text" && (typeof value !== "string" || value === ""))
      throw configInvalid(`${name} must be a text that is not empty`);
    else if (kind === "store") checkStore(name, value);
  }
  if (given["definitions"] === undefined)
    throw configInvalid('definitions is missing: import * as definitions from "./features.ts"');
  for (const [name, secret] of Object.entries(config.secrets ?? {})) {
    // The message does not show the value, because the value may be the secret.
    if (!isSecretReference(secret))
      throw configInvalid(
        `secrets.${name} must be a reference, env("NAME") or file("path"), and never the ` +
          "secret itself",
      );
  }
  for (const [name, source] of Object.entries(config.changes ?? {})) {
    if (typeof source !== "function")
      throw configInvalid(
        `changes.${name} must be a function that makes the change source, as in ({ until }) ` +
          "=> kafkaChanges({ …, until })",
      );
  }
  checkRun(config.run, Object.keys(config.secrets ?? {}));
  checkAlerts(config.alerts, Object.keys(config.secrets ?? {}));
  checkConnectors(config.connectors, Object.keys(config.secrets ?? {}));
  checkRequired(config.require);
  checkAudit(config.audit);
  checkLoadJobs(config.load ?? {});
  checkServer(config.server ?? {}, Object.keys(config.secrets ?? {}));
  if (config.zone !== undefined && !isZone(config.zone))
    throw configInvalid(
      `zone "${config.zone}" is not known here; give an IANA name such as "Asia/Ho_Chi_Minh", ` +
        "or leave it out for UTC",
    );
  return Object.freeze({ [configSymbol]: Object.freeze({ ...config }) as unknown as ConfigInput });
}

/** The input of `defineConfig`; undefined for any other value. */
export function configOf(value: unknown): ConfigInput | undefined {
  return typeof value === "object" && value !== null && Object.hasOwn(value, configSymbol)
    ? (value as Config)[configSymbol]
    : undefined;
}

function checkRequired(required: unknown): void {
  if (required === undefined) return;
  const names: readonly unknown[] = REQUIRABLE;
  if (Array.isArray(required) && required.every((one) => names.includes(one))) return;
  throw configInvalid(
    `require must be a list of metadata (${REQUIRABLE.join(", ")}), as in ["owner", "description"]`,
  );
}

const STORE_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  online: ["store", "retention", "logRetention", "answerCache"],
  offline: ["store", "commit", "buckets"],
};

function checkStore(name: string, value: unknown): void {
  if (typeof value === "function") return;
  if (
    typeof value !== "object" ||
    value === null ||
    typeof (value as { readonly store?: unknown }).store !== "function"
  )
    throw configInvalid(
      `${name} must be a function that opens the store, as in ${name}: () => …, or ` +
        `${name}: { store: () => …, … }`,
    );
  const members = STORE_MEMBERS[name]!;
  const other = Object.keys(value).find((member) => !members.includes(member));
  if (other !== undefined)
    throw configInvalid(
      `${name} has no member "${other}"${didYouMean(other, members)}; ` +
        `the members are ${members.join(", ")}`,
    );
}

function checkAudit(value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  const { file, table, ...others } = membersOf("audit", value);
  if (
    (file !== undefined && (typeof file !== "string" || file === "")) ||
    (table !== undefined && typeof table !== "boolean") ||
    Object.keys(others).length > 0
  )
    throw configInvalid('audit must be true, false or { file: "path", table: false }');
}

/** Whether the configuration writes the audit table. */
export function writesAuditTable({ audit = true }: Pick<ConfigInput, "audit">): boolean {
  return typeof audit === "boolean" ? audit : audit.table !== false;
}

function membersOf(what: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw configInvalid(`${what} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}

function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en-US", { timeZone: name }));
  } catch {
    return false;
  }
}

function configInvalid(what: string): TidemarkError {
  return new TidemarkError("CONFIG_INVALID", `tidemark.config.ts: ${what}`);
}
