/** The options of a server, of its listening address and of its log. */
import { TidemarkError, type Store } from "@tidemark/core";
import {
  refuseUnknownOptions,
  type HistoricalRows,
  type OptionNames,
  type ReadParquet,
} from "@tidemark/core/internal";
import type { ConnectorState } from "./connector-state.ts";
import type { Limits } from "./limits.ts";
import type { ShutdownOptions, Timeouts } from "./timeouts.ts";

/**
 * What a token allows.
 *
 * - read: features and their descriptions.
 * - push: rows of push sources.
 * - operate: materialization, explanations, status and metrics.
 * - personal: values of columns with the sensitivity "pii" in explanations. Without it they are
 *   masked. The answers of features are not masked: a model needs them.
 */
export type Scope = "read" | "push" | "operate" | "personal";

/**
 * A token and its scopes. `token` is the token itself, from a secret. `sha256` is its SHA-256,
 * which need not be secret. A list lets callers change from one token to the next.
 */
export type ServerToken = {
  /** The name of the caller, for logs. */
  readonly name: string;
  readonly scopes: readonly Scope[];
} & (
  | { readonly token: string | readonly string[]; readonly sha256?: undefined }
  | { readonly sha256: string | readonly string[]; readonly token?: undefined }
);

/** The options of `featureServer`. */
export interface ServerOptions {
  /** The store that answers. The server does not close the store. */
  readonly store: Store;
  /** The module of definitions that the store was opened with, or an object of them. */
  readonly definitions: { readonly [exported: string]: unknown };
  /** The zone of the days that are materialized, an IANA name. Default: "UTC". */
  readonly zone?: string | undefined;
  /**
   * The accepted tokens. Without tokens every caller may do everything, and the server listens on
   * this machine only.
   */
  readonly tokens?: readonly ServerToken[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly timeouts?: Timeouts | undefined;
  readonly shutdown?: ShutdownOptions | undefined;
  /** The certificate and its key as PEM texts. Default: no TLS. */
  readonly tls?: TlsTexts | undefined;
  /** The log of requests as JSON lines. Default: failures only, to stderr. */
  readonly log?: LogOptions | undefined;
  /**
   * The audit log: a JSON line for each push, each materialization, and each request that
   * authentication refused. Default: the lines go to `log`, whatever its level.
   */
  readonly audit?: AuditOptions | undefined;
  /**
   * Addresses of the proxies before the server, such as `"10.0.0.0/8"`. The audit log then has the
   * address that they give in `X-Forwarded-For`. Default: the address of the connection.
   */
  readonly trustProxy?: string | readonly string[] | undefined;
  /**
   * Further host names of a server without tokens, and hosts of the web pages that may send it
   * requests. Default: the names of this machine.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * Returns the counters of all processes of a cluster as Prometheus text. Default: the counters of
   * this process.
   */
  readonly clusterMetrics?: (() => Promise<string>) | undefined;
  /** Answers training sets at `/v1/training-set`. Default: there is no such path. */
  readonly trainingSets?: TrainingSetsOptions | undefined;
  /**
   * Returns the files of the console, as `consoleFiles` of `@tidemark/ui` does. The server sends
   * them at `/console`. It calls the function when a browser first asks. Default: no console.
   */
  readonly consoleFiles?: (() => Promise<ConsoleFiles>) | undefined;
  /**
   * Asks for the states of the connectors that bring the changes. `GET /v1/connectors` answers
   * them, and the console shows them. The signal aborts when the request ends. Default: there are
   * no connectors.
   */
  readonly connectors?: ((signal: AbortSignal) => Promise<readonly ConnectorState[]>) | undefined;
}

/** The files of the console by path, as `@tidemark/ui` has them. `index.html` is the page. */
export type ConsoleFiles = ReadonlyMap<
  string,
  {
    /** Its media type. */
    readonly type: string;
    readonly body: Uint8Array;
    /** True if the name has a hash of the content, so that browsers may keep it for ever. */
    readonly isHashed: boolean;
  }
>;

/** Where and with what the server computes training sets. */
export interface TrainingSetsOptions {
  /** Reads and writes Parquet files: the module `@tidemark/delta`, or two functions like its. */
  readonly parquet: ParquetFunctions;
  /**
   * The folder of entity rows and results. Processes that share a folder know the training sets of
   * each other. Default: a new folder of the system's temporary files, which `close` removes.
   */
  readonly folder?: string | undefined;
  /** The current time, which ends how long a training set is kept. Default: the machine's clock. */
  readonly clock?: (() => Date) | undefined;
}

/** Functions that read and write Parquet files, as those of `@tidemark/delta`. */
export interface ParquetFunctions {
  readonly readParquet: ReadParquet;
  readonly writeParquet: (
    file: string,
    content: HistoricalRows & { readonly signal?: AbortSignal | undefined },
  ) => Promise<unknown>;
}

/** A certificate and its key as PEM texts. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
}

/** The log of requests. */
export interface LogOptions {
  /** Receives each line, with its line break. */
  readonly write: (line: string) => void;
  /** The lowest level that is written. Default: "info". */
  readonly level?: "debug" | "info" | "warn" | "error" | undefined;
  /**
   * Writes the body of every request, with its entities. They are personal data. Default: false.
   */
  readonly entities?: boolean | undefined;
}

/** The audit log. */
export interface AuditOptions {
  /** Receives each line, with its line break. */
  readonly write: (line: string) => void;
}

/** The options of `listen`. */
export interface ListenOptions {
  /** The address to listen at. Default: "127.0.0.1". */
  readonly host?: string | undefined;
  /** The port; 0 for a free port. Default: 6570. */
  readonly port?: number | undefined;
  /** Lets a server without tokens listen beyond this machine. Default: false. */
  readonly anonymous?: boolean | undefined;
  /**
   * Does not warn of tokens that come over plain HTTP from other machines, because a proxy with TLS
   * is before the server. Default: false.
   */
  readonly allowInsecure?: boolean | undefined;
  /**
   * Lets other processes listen at the same port. The operating system distributes the connections.
   * Not every operating system supports this. Default: false.
   */
  readonly shared?: boolean | undefined;
}

const SERVER_NAMES: OptionNames = {
  names: new Set<keyof ServerOptions>([
    "store",
    "definitions",
    "zone",
    "tokens",
    "limits",
    "timeouts",
    "shutdown",
    "tls",
    "log",
    "audit",
    "trustProxy",
    "allowedHosts",
    "clusterMetrics",
    "trainingSets",
    "consoleFiles",
    "connectors",
  ]),
  renamed: {},
};
const TRAINING_SETS_NAMES: OptionNames = {
  names: new Set<keyof TrainingSetsOptions>(["parquet", "folder", "clock"]),
  renamed: {},
};
const TLS_NAMES: OptionNames = { names: new Set<keyof TlsTexts>(["cert", "key"]), renamed: {} };
const LOG_NAMES: OptionNames = {
  names: new Set<keyof LogOptions>(["write", "level", "entities"]),
  renamed: {},
};
const AUDIT_NAMES: OptionNames = { names: new Set<keyof AuditOptions>(["write"]), renamed: {} };
const LISTEN_NAMES: OptionNames = {
  names: new Set<keyof ListenOptions>(["host", "port", "anonymous", "allowInsecure", "shared"]),
  renamed: {},
};

/**
 * Checks the names of a server's options.
 *
 * @throws OPTION_UNKNOWN when there is no such option. The message suggests the nearest name.
 * @throws SERVER_OPTIONS_INVALID when `trainingSets` has no functions for Parquet.
 */
export function checkServerOptions(options: ServerOptions): void {
  refuseUnknownOptions("featureServer", options, SERVER_NAMES);
  refuseUnknownOptions("featureServer: tls", options.tls ?? {}, TLS_NAMES);
  refuseUnknownOptions("featureServer: log", options.log ?? {}, LOG_NAMES);
  refuseUnknownOptions("featureServer: audit", options.audit ?? {}, AUDIT_NAMES);
  const { trainingSets } = options;
  if (trainingSets === undefined) return;
  refuseUnknownOptions("featureServer: trainingSets", trainingSets, TRAINING_SETS_NAMES);
  const { readParquet, writeParquet } = (trainingSets.parquet ?? {}) as Partial<ParquetFunctions>;
  if (typeof readParquet !== "function" || typeof writeParquet !== "function")
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      "featureServer: trainingSets.parquet has no readParquet and writeParquet; " +
        "give the module @tidemark/delta",
    );
}

/**
 * Checks the names of the options of `listen`.
 *
 * @throws OPTION_UNKNOWN when there is no such option. The message suggests the nearest name.
 */
export function checkListenOptions(options: ListenOptions): void {
  refuseUnknownOptions("listen", options, LISTEN_NAMES);
}
