/** The settings of the connectors that are shown, and their check. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import type { SecretReferences } from "./secret.ts";

/** A Debezium connector in Kafka Connect, whose state the console shows. */
export interface ConnectorConfig<S extends SecretReferences = SecretReferences> {
  /** The address of Kafka Connect's REST API: `http://localhost:8083`. */
  readonly url: string;
  /** The connector's name. */
  readonly name: string;
  /** The name of the secret that is sent as `authorization`. Default: none is sent. */
  readonly authorization?: (keyof S & string) | undefined;
  /** Sends the secret over plain HTTP to another machine, in a private network. */
  readonly allowInsecure?: boolean | undefined;
}

const MEMBERS: readonly string[] = ["url", "name", "authorization", "allowInsecure"];

/**
 * Checks the member `connectors`. Messages do not show an address, because it may hold a secret.
 *
 * @throws CONFIG_INVALID when a member is unknown or has the wrong form.
 */
export function checkConnectors(value: unknown, secrets: readonly string[]): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw invalid("connectors must be a list of { url, name }");
  value.forEach((connector: unknown, i) => {
    checkConnector(`connectors[${i}]`, connector, secrets);
  });
}

function checkConnector(what: string, value: unknown, secrets: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(`${what} must be { url, name }`);
  const other = Object.keys(value).find((name) => !MEMBERS.includes(name));
  if (other !== undefined) {
    const next = didYouMean(other, MEMBERS) || `; the members are ${MEMBERS.join(", ")}`;
    throw invalid(`${what} has no member "${other}"${next}`);
  }
  const { url, name, authorization, allowInsecure } = value as Readonly<Record<string, unknown>>;
  if (typeof url !== "string" || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw invalid(`${what}.url must be an address that begins with https:// or http://`);
  if (typeof name !== "string" || name === "")
    throw invalid(`${what}.name must be the name of a connector`);
  if (authorization !== undefined && !secrets.includes(authorization as string))
    throw invalid(
      `${what}.authorization is none of secrets (${secrets.join(", ") || "there are none"}); ` +
        'add one, as in secrets: { connect: env("CONNECT_AUTHORIZATION") }',
    );
  if (allowInsecure !== undefined && typeof allowInsecure !== "boolean")
    throw invalid(`${what}.allowInsecure must be true or false`);
}

function invalid(what: string): TidemarkError {
  return new TidemarkError("CONFIG_INVALID", `tidemark.config.ts: ${what}`);
}
