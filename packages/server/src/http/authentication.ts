/** Authenticates callers by bearer token, and checks their scopes. */
import { createHash, timingSafeEqual } from "node:crypto";
import { TidemarkError } from "@tidemark/core";
import type { Scope, ServerToken } from "../options/server-options.ts";

export interface Caller {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

const SCOPES: readonly string[] = ["read", "push", "operate"] satisfies readonly Scope[];

/**
 * Returns the caller of the header's token.
 *
 * @throws TOKEN_MISSING when the request has no token.
 * @throws TOKEN_UNKNOWN when the token is not one of the server's.
 */
export type Authentication = (authorization: string | undefined) => Caller;

/** Makes the authentication; null if there are no tokens, and every caller may do everything. */
export function authentication(tokens: readonly ServerToken[] = []): Authentication | null {
  if (tokens.length === 0) return null;
  const known = tokens.map((token) => ({
    digest: digestOf(token),
    caller: { name: token.name, scopes: token.scopes },
  }));
  return (authorization) => {
    if (authorization === undefined)
      throw new TidemarkError(
        "TOKEN_MISSING",
        "the request has no token; send the header Authorization: Bearer TOKEN",
      );
    const given = /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1];
    if (given === undefined)
      throw new TidemarkError(
        "TOKEN_MISSING",
        "the Authorization header holds no bearer token; write it as Authorization: Bearer TOKEN",
      );
    const digest = sha256(given);
    let found: Caller | null = null;
    // all tokens are compared, each in constant time, so the duration tells nothing
    for (const one of known) if (timingSafeEqual(one.digest, digest)) found = one.caller;
    if (found === null)
      throw new TidemarkError(
        "TOKEN_UNKNOWN",
        "the token is none of this server's; ask those who operate it for one",
      );
    return found;
  };
}

/** @throws SCOPE_MISSING when the caller's token does not have the scope. */
export function checkScope({ name, scopes }: Caller, scope: Scope): void {
  if (!scopes.includes(scope))
    throw new TidemarkError(
      "SCOPE_MISSING",
      `the token of "${name}" may ${scopes.join(", ") || "nothing"}, ` +
        `and this needs "${scope}"; ask those who operate the server for a token with that scope`,
    );
}

function sha256(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function digestOf({ name, scopes, token, sha256: digest }: ServerToken): Buffer {
  const who = `server: token ${JSON.stringify(name)}`;
  const wrong = scopes.find((scope) => !SCOPES.includes(scope));
  if (wrong !== undefined || scopes.length === 0)
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `${who}: ` +
        (wrong === undefined ? "it has no scope" : `there is no scope ${JSON.stringify(wrong)}`) +
        `; give some of ${SCOPES.join(", ")}`,
    );
  if (digest !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(digest))
      throw new TidemarkError(
        "SERVER_OPTIONS_INVALID",
        `${who}: sha256 must be 64 hexadecimal digits, as sha256sum prints them`,
      );
    return Buffer.from(digest, "hex");
  }
  // a header cannot carry other characters, and a short token can be guessed
  if (typeof token !== "string" || !/^[\x21-\x7e]{16,}$/.test(token))
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `${who}: it must be at least 16 visible ASCII characters without spaces, ` +
        "as openssl rand -hex 32 makes them",
    );
  return sha256(token);
}
