/** The settings of `tidemark serve`, and their check. */
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
  /** The port. Default: 6570. */
  readonly port?: number | undefined;
  /** The address to listen at; default: 127.0.0.1. Any other address needs tokens. */
  readonly host?: string | undefined;
  /** The number of processes that answer from the online store; default: 1. */
  readonly workers?: number | undefined;
  /**
   * The tokens and their scopes. A token is a secret or its SHA-256 (`printf %s TOKEN |
   * sha256sum`), never its text. SIGHUP reads secrets in files again.
   */
  readonly tokens?: readonly TokenConfig<S>[] | undefined;
  /** Answers every caller at every address without a token. Protect the network yourself. */
  readonly anonymous?: boolean | undefined;
  /**
   * Further host names of a server without tokens, and hosts of the web pages that may send it
   * requests. Default: the names of this machine.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Does not warn of tokens over plain HTTP: a proxy with TLS is before the server. */
  readonly allowInsecure?: boolean | undefined;
  /**
   * Addresses of the proxies before the server, such as `"10.0.0.0/8"`. The audit log then has the
   * caller's address that they give in `X-Forwarded-For`.
   */
  readonly trustProxy?: string | readonly string[] | undefined;
  /** Files with PEM texts. SIGHUP reads them again. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly timeouts?: Timeouts | undefined;
  /**
   * Training sets over HTTP. `folder` holds the entity rows and results while they are kept.
   * Default: a new folder of the system's temporary files.
   */
  readonly trainingSets?: { readonly folder?: string | undefined } | undefined;
  /** Shows the console at `/console`. Default: true. */
  readonly console?: boolean | undefined;
  /**
   * Writes a JSON line to stderr for each request; default: true. `entities` adds the requested
   * entity keys, which are personal data.
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

/**
 * A token of the server with its scopes. Several secrets, or several lines in one secret, let
 * callers change from one token to the next.
 */
export type TokenConfig<S extends SecretReferences = SecretReferences> = {
  readonly name: string;
  readonly scopes: readonly Scope[];
} & (
  | {
      readonly secret: (keyof S & string) | readonly (keyof S & string)[];
      readonly sha256?: undefined;
    }
  | { readonly sha256: string | readonly string[]; readonly secret?: undefined }
);

const SERVER_MEMBERS: Readonly<Record<keyof ServerConfig, (value: unknown) => string | null>> = {
  port: (value) => isWholeBetween(value, 0, 65_535),
  host: (value) =>
    typeof value === "string" && value !== "" ? null : "must be a host name or an address",
  workers: (value) => isWholeBetween(value, 1, 512),
  tokens: (value) => (Array.isArray(value) ? null : "must be a list of { name, scopes, secret }"),
  anonymous: isFlag,
  allowedHosts: (value) =>
    isListOfTexts(value) ? null : 'must be a list of host names such as "features.example"',
  allowInsecure: isFlag,
  trustProxy: (value) =>
    typeof value === "string" || isListOfTexts(value)
      ? null
      : 'must be addresses of proxies such as "10.0.0.0/8"',
  tls: (value) =>
    isObject(value) && typeof value["cert"] === "string" && typeof value["key"] === "string"
      ? null
      : "must be { cert, key }, two files",
  limits: (value) => (isObject(value) ? null : "must be an object of limits"),
  timeouts: (value) =>
    isObject(value)
      ? checkMembers("timeouts", value, [
          "request",
          "headers",
          "answer",
          "keepAlive",
          "trainingSet",
        ])
      : 'must be { request, headers, answer, keepAlive, trainingSet }, durations such as "10s"',
  trainingSets: (value) =>
    isObject(value)
      ? (checkMembers("trainingSets", value, ["folder"]) ??
        (value["folder"] === undefined || typeof value["folder"] === "string"
          ? null
          : "must be { folder }, a path"))
      : "must be { folder }, a path",
  console: isFlag,
  log: (value) =>
    isObject(value) ? checkMembers("log", value, ["level", "entities"]) : isFlag(value),
  shutdown: (value) =>
    isObject(value)
      ? checkMembers("shutdown", value, ["gracePeriod", "timeout"])
      : 'must be { gracePeriod, timeout }, durations such as "10s"',
};
const TOKEN_MEMBERS = ["name", "scopes", "secret", "sha256"];

/**
 * Checks the member `server`. Messages do not show the values of a token's members.
 * @throws CONFIG_INVALID when a member is unknown or has the wrong form.
 */
export function checkServer(config: object, secrets: readonly string[]): void {
  const invalid = (what: string): TidemarkError =>
    new TidemarkError("CONFIG_INVALID", `tidemark.config.ts: server${what}`);
  for (const [name, value] of Object.entries(config)) {
    if (!Object.hasOwn(SERVER_MEMBERS, name)) {
      const members = Object.keys(SERVER_MEMBERS);
      const next = didYouMean(name, members) || `; it may have ${members.join(", ")}`;
      throw invalid(` has no member "${name}"${next}`);
    }
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
        `.tokens[${i}] ${other}; the configuration never holds a token itself: name a ` +
          "secret, or give its SHA-256",
      );
    const { secret, sha256 } = token;
    if ((secret === undefined) === (sha256 === undefined))
      throw invalid(`.tokens[${i}] needs one of secret and sha256`);
    if (secret !== undefined && !eachIs(secret, (one) => secrets.includes(one)))
      throw invalid(
        `.tokens[${i}].secret is none of secrets (${secrets.join(", ") || "there are none"}); ` +
          `add one, as in secrets: { scorer: env("SCORER_TOKEN") }`,
      );
    if (sha256 !== undefined && !eachIs(sha256, (one) => /^[0-9a-f]{64}$/i.test(one)))
      throw invalid(`.tokens[${i}].sha256 must be 64 hexadecimal digits, as sha256sum prints them`);
  });
}

/**
 * Reads the secrets of the tokens. Each line of a secret is a token.
 * @throws SECRET_MISSING when the secret of a token is not set.
 */
export function tokensOf({ tokens = [] }: ServerConfig, secrets: Secrets): readonly ServerToken[] {
  return tokens.map(({ name, scopes, secret, sha256 }) => {
    if (sha256 !== undefined) return { name, scopes, sha256 };
    const names = typeof secret === "string" ? [secret] : secret!;
    const lines = names.flatMap((one) => secrets[one]!.split(/\r?\n/));
    return { name, scopes, token: lines.filter((line) => line !== "") };
  });
}

/**
 * Reads the PEM files.
 * @throws CONFIG_NOT_OPENED when a file cannot be read.
 */
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

/** Returns whether the value is a text that passes, or a list of such texts that is not empty. */
function eachIs(value: unknown, passes: (text: string) => boolean): boolean {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((one) => typeof one === "string" && passes(one));
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "");
}

function isFlag(value: unknown): string | null {
  return typeof value === "boolean" ? null : "must be true or false";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
