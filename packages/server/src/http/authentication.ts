/** Authenticates callers by bearer token, and checks their scopes. */
import { createHash, timingSafeEqual } from "node:crypto";
import { TidemarkError } from "@tidemark/core";
import type { Scope, ServerToken } from "../options/server-options.ts";

/** A caller: the name and the scopes of its token. */
export interface Caller {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** All scopes. Every caller of a server without tokens has them. */
export const SCOPES: readonly Scope[] = ["read", "push", "operate", "personal"];

/** The authentication of a server. */
export interface Authentication {
  /**
   * Returns the caller of the header's token.
   *
   * @throws TOKEN_MISSING when the request has no token.
   * @throws TOKEN_UNKNOWN when the token is not one of the server's.
   */
  callerOf(authorization: string | undefined): Caller;
  /**
   * Uses other tokens from the next request on.
   *
   * @throws SERVER_OPTIONS_INVALID when a token, its SHA-256 or its scopes are invalid, or there is
   * no token.
   */
  renew(tokens: readonly ServerToken[]): void;
}

/**
 * Makes the authentication. null: there are no tokens, and every caller may do everything.
 *
 * @throws SERVER_OPTIONS_INVALID when a token, its SHA-256 or its scopes are invalid.
 */
export function authentication(tokens: readonly ServerToken[] = []): Authentication | null {
  if (tokens.length === 0) return null;
  let known = tokens.flatMap(knownTokens);
  return {
    callerOf(authorization) {
      if (authorization === undefined)
        throw new TidemarkError(
          "TOKEN_MISSING",
          "the request: it has no token; send the header Authorization: Bearer TOKEN",
        );
      const given = /^Bearer +([^ ]+) *$/i.exec(authorization)?.[1];
      if (given === undefined)
        throw new TidemarkError(
          "TOKEN_MISSING",
          "the request: its header Authorization has no bearer token; " +
            "send the header Authorization: Bearer TOKEN",
        );
      const digest = sha256(given);
      let found: Caller | null = null;
      // all tokens are compared, each in constant time, so that the duration reveals nothing
      for (const one of known) if (timingSafeEqual(one.digest, digest)) found = one.caller;
      if (found === null)
        throw new TidemarkError(
          "TOKEN_UNKNOWN",
          "the request: the server does not have its token; " +
            "ask the server's operators for a valid token",
        );
      return found;
    },
    renew(renewed) {
      if (renewed.length === 0)
        throw new TidemarkError(
          "SERVER_OPTIONS_INVALID",
          "server: the renewed tokens are none, and would let every caller in; give one or more",
        );
      known = renewed.flatMap(knownTokens);
    },
  };
}

/**
 * Checks the scope of a caller.
 *
 * @throws SCOPE_MISSING when the caller's token does not have the scope.
 */
export function checkScope({ name, scopes }: Caller, scope: Scope): void {
  if (!scopes.includes(scope))
    throw new TidemarkError(
      "SCOPE_MISSING",
      `the request: token "${name}" has the scopes ${scopes.join(", ")}, and not "${scope}"; ` +
        "ask the server's operators for a token with that scope",
    );
}

function sha256(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

interface KnownToken {
  readonly digest: Buffer;
  readonly caller: Caller;
}

function knownTokens({ name, scopes, token, sha256: digests }: ServerToken): KnownToken[] {
  const who = `server: token ${JSON.stringify(name)}`;
  const wrong = scopes.find((scope) => !SCOPES.includes(scope));
  if (wrong !== undefined || scopes.length === 0)
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `${who}: ` +
        (wrong === undefined ? "it has no scope" : `there is no scope ${JSON.stringify(wrong)}`) +
        `; give one or more of ${SCOPES.join(", ")}`,
    );
  const caller = { name, scopes };
  const listed = listOf(digests ?? token);
  if (listed.length === 0)
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `${who}: it has no token; give one, or two while callers change to another`,
    );
  return listed.map((one) => ({
    digest: digests === undefined ? digestOfToken(who, one) : digestOfText(who, one),
    caller,
  }));
}

function listOf<T>(given: T | readonly T[]): readonly T[] {
  return Array.isArray(given) ? (given as readonly T[]) : [given as T];
}

function digestOfText(who: string, digest: string | undefined): Buffer {
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/i.test(digest))
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `${who}: sha256 must be 64 hexadecimal digits, as sha256sum prints them`,
    );
  return Buffer.from(digest, "hex");
}

function digestOfToken(who: string, token: string | undefined): Buffer {
  // a header cannot carry other characters, and a short token can be guessed
  if (typeof token !== "string" || !/^[\x21-\x7e]{16,}$/.test(token))
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `${who}: the token must have at least 16 visible ASCII characters and no spaces; ` +
        "openssl rand -hex 32 makes such a token",
    );
  return sha256(token);
}
