/** Opens the stores and change sources of a configuration. */
import {
  TidemarkError,
  collectDefinitions,
  isTidemarkError,
  openStore,
  type Definitions,
  type OfflineOptions,
  type OnlineOptions,
  type Store,
  type StoreOptions,
} from "@tidemark/core";
import type { ChangeSource, OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { didYouMean } from "@tidemark/core/internal";
import type { LoadedConfig } from "./config-file.ts";
import { writesAuditTable, type OpensStore, type StoreConfig } from "./define-config.ts";
import { redact, secretsOf, type Secrets } from "./secret.ts";

/** What a command opens of a configuration. */
export interface OpenOptions extends Pick<StoreOptions, "onDefinitionMismatch" | "onOverflow"> {
  /**
   * true: the store is required. false: the store stays closed. Left out: the store is opened if it
   * is configured.
   */
  readonly online?: boolean | undefined;
  readonly offline?: boolean | undefined;
  /** Answers from sources that are not ready. Default: what the configuration says. */
  readonly serveWhileFilling?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a change source of the configuration is read. */
export interface ChangeSourceOptions {
  readonly until?: "signal" | "caught-up" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a configuration names, once it is opened. */
export interface Configured {
  readonly store: Store;
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly definitions: Definitions;
  readonly secrets: Secrets;
  /** A change source of the configuration, by name. */
  changes(name: string, options?: ChangeSourceOptions): Promise<ChangeSource>;
  close(): Promise<void>;
}

/**
 * Opens the stores of the configuration and reads the secrets that they need. Close the result
 * after use.
 *
 * @throws SECRET_MISSING when a secret that is needed is not set.
 * @throws CONFIG_INVALID when a required store is not configured.
 * @throws CONFIG_NOT_OPENED when a function of the configuration throws.
 *
 * @example
 * const { store, close } = await openConfigured(await loadConfig(), { online: true });
 */
export async function openConfigured(
  config: LoadedConfig,
  options: OpenOptions = {},
): Promise<Configured> {
  const { signal } = options;
  const definitions = collectDefinitions(config.definitions);
  const secrets = secretsOf(config.secrets ?? {});
  const isWanted = (role: "online" | "offline"): boolean => {
    if (options[role] === true && config[role] === undefined) {
      const example =
        role === "online"
          ? 'sqliteOnlineStore("online.db")'
          : 'deltaOfflineStore(localObjects("./lake"))';
      throw new TidemarkError(
        "CONFIG_INVALID",
        `${config.file}: there is no ${role} store, and this needs one; add ${role}: () => ` +
          example,
      );
    }
    return options[role] !== false && config[role] !== undefined;
  };
  const opens = { online: isWanted("online"), offline: isWanted("offline") };
  const opened: { close(): Promise<void> }[] = [];
  try {
    const context = { secrets, signal };
    const onlineConfig = opens.online
      ? nested<OnlineStore, OnlineOptions>(config.online!)
      : undefined;
    const online =
      onlineConfig && (await callFactory(config, "online", () => onlineConfig.store(context)));
    if (online !== undefined) opened.push(online);
    const offlineConfig = opens.offline
      ? nested<OfflineStore, OfflineOptions>(config.offline!)
      : undefined;
    const offline =
      offlineConfig && (await callFactory(config, "offline", () => offlineConfig.store(context)));
    if (offline !== undefined) opened.push(offline);
    const { namespace } = config;
    const store = await openStore({
      definitions: config.definitions,
      online: online && {
        ...onlineConfig,
        ...(options.serveWhileFilling === undefined
          ? {}
          : { serveWhileFilling: options.serveWhileFilling }),
        store: online,
      },
      offline: offline && { ...offlineConfig, store: offline },
      servingLog: online && offline && config.servingLog,
      audit: offline !== undefined && writesAuditTable(config),
      namespace,
      onDefinitionMismatch: options.onDefinitionMismatch ?? config.onDefinitionMismatch,
      onOverflow: options.onOverflow,
    });
    return {
      store,
      online,
      offline,
      definitions,
      secrets,
      changes: async (name, asked) => openChangeSource(config, name, { secrets, ...asked }),
      close: () => store.close(),
    };
  } catch (error) {
    await Promise.allSettled(opened.map((one) => one.close()));
    throw error;
  }
}

/**
 * Makes the adapters of the configured stores, and opens none of them. A restore needs stores that
 * are not open.
 *
 * @throws SECRET_MISSING when a secret that is needed is not set.
 * @throws CONFIG_NOT_OPENED when a function of the configuration throws.
 */
export async function makeAdapters(
  config: LoadedConfig,
  signal: AbortSignal | undefined,
): Promise<{
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
}> {
  const context = { secrets: secretsOf(config.secrets ?? {}), signal };
  const make = async <Store extends { readonly name: string }, Options>(
    role: "online" | "offline",
    given: StoreConfig<Store, Options> | undefined,
  ): Promise<Store | undefined> =>
    given && callFactory(config, role, () => nested<Store, Options>(given).store(context));
  return {
    online: await make<OnlineStore, OnlineOptions>("online", config.online),
    offline: await make<OfflineStore, OfflineOptions>("offline", config.offline),
  };
}

/**
 * Opens a change source of the configuration, without its stores.
 *
 * @throws CONFIG_INVALID when no change source has this name.
 * @throws CONFIG_NOT_OPENED when its function throws.
 */
export function openChangeSource(
  config: LoadedConfig,
  name: string,
  {
    secrets = secretsOf(config.secrets ?? {}),
    until = "signal",
    signal,
  }: ChangeSourceOptions & { readonly secrets?: Secrets | undefined },
): Promise<ChangeSource> {
  const names = Object.keys(config.changes ?? {});
  if (!names.includes(name)) {
    const known =
      names.length === 0
        ? "changes has none"
        : `there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
    throw new TidemarkError(
      "CONFIG_INVALID",
      `${config.file}: no change source is called "${name}"${didYouMean(name, names)} ` +
        `(${known})`,
    );
  }
  return callFactory(config, `changes.${name}`, () =>
    config.changes![name]!({ secrets, until, signal }),
  );
}

/** The long form of a store's configuration. */
function nested<Store, Options>(
  given: StoreConfig<Store, Options>,
): Partial<Omit<Options, "store">> & { readonly store: OpensStore<Store> } {
  return (typeof given === "function" ? { store: given } : given) as ReturnType<
    typeof nested<Store, Options>
  >;
}

/**
 * Calls a function of the configuration. Its error names the configuration's member, without
 * secrets.
 */
async function callFactory<T extends { readonly name: string }>(
  { file }: LoadedConfig,
  member: string,
  make: () => T | Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await make();
  } catch (error) {
    if (isTidemarkError(error)) throw error;
    throw new TidemarkError(
      "CONFIG_NOT_OPENED",
      `${file}: ${member} threw: ` +
        `${redact(error instanceof Error ? error.message : String(error))}; check the values ` +
        "that it gets",
    );
  }
  if (typeof result !== "object" || result === null)
    throw new TidemarkError(
      "CONFIG_INVALID",
      `${file}: ${member} must return what it opens, and returned ` +
        `${result === null ? "null" : typeof result}`,
    );
  return result;
}
