/** What `tidemark.config.ts` says of `tidemark serve`. */
import { readFile } from "node:fs/promises";
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import type {
  Limits,
  Scope,
  ServerToken,
  ShutdownOptions,
  Timeouts,
  TlsTexts,
} from "@tidemark/server";
import type { SecretReferences } from "../config/secret.ts";
import type { Secrets } from "../config/secret.ts";

/** Settings of `tidemark serve`. */
export interface ServerConfig<S extends SecretReferences = SecretReferences> {
  /** 6566 without it, as Feast's. */
  readonly port?: number | undefined;
  /** 127.0.0.1 without it: this machine only. Beyond it, tokens are needed. */
  readonly host?: string | undefined;
  /** Processes that answer over one online store; 1 without it. */
  readonly workers?: number | undefined;
  /**
   * Who may do what. The token stands in a secret, or here as its SHA-256 (`printf %s TOKEN |
   * sha256sum`); never itself.
   */
  readonly tokens?: readonly TokenConfig<S>[] | undefined;
  /**
   * Everybody may ask, from everywhere: a network that lets nobody else in is then your business.
   */
  readonly anonymous?: boolean | undefined;
  /** Files with PEM texts; read again on SIGHUP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly timeouts?: Timeouts | undefined;
  /**
   * A JSON line on stderr for each request; true without it. `entities`: with the entities asked
   * for, which are personal data.
   */
  readonly log?:
    | boolean
    | {
        readonly level?: "debug" | "info" | "warn" | "error" | undefined;
        readonly entities?: boolean | undefined;
      }
    | undefined;
  /** How the server stops on SIGTERM. */
  readonly shutdown?: ShutdownOptions | undefined;
}

/** A token of the server, and what it may ask. */
export type TokenConfig<S extends SecretReferences = SecretReferences> = {
  readonly name: string;
  readonly scopes: readonly Scope[];
} & (
  | { readonly secret: keyof S & string; readonly sha256?: undefined }
  | { readonly sha256: string; readonly secret?: undefined }
);

const SERVER_MEMBERS: Readonly<Record<keyof ServerConfig, (value: unknown) => string | null>> = {
  port: (value) => isWholeBetween(value, 0, 65_535),
  host: (value) =>
    typeof value === "string" && value !== "" ? null : "must be a host name or an address",
  workers: (value) => isWholeBetween(value, 1, 512),
  tokens: (value) => (Array.isArray(value) ? null : "must be a list of { name, scopes, secret }"),
  anonymous: isFlag,
  tls: (value) =>
    isObject(value) && typeof value["cert"] === "string" && typeof value["key"] === "string"
      ? null
      : "must be { cert, key }, two files",
  limits: (value) => (isObject(value) ? null : "must be an object of limits"),
  timeouts: (value) =>
    isObject(value)
      ? checkMembers("timeouts", value, ["request", "headers", "keepAlive"])
      : 'must be { request, headers, keepAlive }, durations such as "10s"',
  log: (value) =>
    isObject(value) ? checkMembers("log", value, ["level", "entities"]) : isFlag(value),
  shutdown: (value) =>
    isObject(value)
      ? checkMembers("shutdown", value, ["gracePeriod", "timeout"])
      : 'must be { gracePeriod, timeout }, durations such as "10s"',
};
const TOKEN_MEMBERS = ["name", "scopes", "secret", "sha256"];

/** Throws `CONFIG_INVALID`. What a token's members hold is not said: it may be the token. */
export function checkServer(config: object, secrets: readonly string[]): void {
  const invalid = (what: string): TidemarkError =>
    new TidemarkError("CONFIG_INVALID", `tidemark.config.ts: server${what}`);
  for (const [name, value] of Object.entries(config)) {
    if (!Object.hasOwn(SERVER_MEMBERS, name))
      throw invalid(
        " has no member " +
          `"${name}"${didYouMean(name, Object.keys(SERVER_MEMBERS)) || `; it may have ${Object.keys(SERVER_MEMBERS).join(", ")}`}`,
      );
    const why = value === undefined ? null : SERVER_MEMBERS[name as keyof ServerConfig](value);
    if (why !== null) throw invalid(`.${name} ${why}`);
  }
  ((config as ServerConfig).tokens ?? []).forEach((token: unknown, i) => {
    if (
      !isObject(token) ||
      typeof token["name"] !== "string" ||
      token["name"] === "" ||
      !Array.isArray(token["scopes"])
    )
      throw invalid(`.tokens[${i}] must be { name, scopes, secret } or { name, scopes, sha256 }`);
    const other = checkMembers(`tokens[${i}]`, token, TOKEN_MEMBERS);
    if (other !== null)
      throw invalid(
        `.tokens[${i}] ${other}; a token itself never stands in the configuration: name a ` +
          "secret, or give its SHA-256",
      );
    const { secret, sha256 } = token;
    if ((secret === undefined) === (sha256 === undefined))
      throw invalid(`.tokens[${i}] needs one of secret and sha256`);
    if (secret !== undefined && (typeof secret !== "string" || !secrets.includes(secret)))
      throw invalid(
        `.tokens[${i}].secret is none of secrets (${secrets.join(", ") || "there are none"}); ` +
          `add one, as in secrets: { scorer: env("SCORER_TOKEN") }`,
      );
    if (sha256 !== undefined && (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)))
      throw invalid(`.tokens[${i}].sha256 must be 64 hexadecimal digits, as sha256sum prints them`);
  });
}

/** The tokens with their secrets read (`SECRET_MISSING`). */
export function tokensOf({ tokens = [] }: ServerConfig, secrets: Secrets): readonly ServerToken[] {
  return tokens.map(({ name, scopes, secret, sha256 }) =>
    sha256 === undefined ? { name, scopes, token: secrets[secret!]! } : { name, scopes, sha256 },
  );
}

/** The PEM texts; a file that cannot be read is `CONFIG_NOT_OPENED`. */
export async function tlsOf({ tls }: ServerConfig, file: string): Promise<TlsTexts | undefined> {
  if (tls === undefined) return undefined;
  const read = async (member: "cert" | "key"): Promise<string> =>
    readFile(tls[member], "utf8").catch((cause: unknown) => {
      throw new TidemarkError(
        "CONFIG_NOT_OPENED",
        `${file}: server.tls.${member}: ${tls[member]} cannot be read ` +
          `(${(cause as NodeJS.ErrnoException).code ?? String(cause)}); put the PEM file there`,
        { cause },
      );
    });
  return { cert: await read("cert"), key: await read("key") };
}

function checkMembers(
  what: string,
  given: Readonly<Record<string, unknown>>,
  members: readonly string[],
): string | null {
  const other = Object.keys(given).find((name) => !members.includes(name));
  return other === undefined
    ? null
    : `has a member "${other}" that is none of ${what.replace(/\[.*/, "")}'s ` +
        `(${members.join(", ")})`;
}

function isWholeBetween(value: unknown, least: number, most: number): string | null {
  return value === undefined ||
    (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
    ? null
    : `must be a whole number from ${least} to ${most}`;
}

function isFlag(value: unknown): string | null {
  return typeof value === "boolean" ? null : "must be true or false";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
