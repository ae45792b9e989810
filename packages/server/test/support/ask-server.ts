/** Sends requests to a server in this process, with the tokens of three callers. */
import type { FeatureServer } from "@tidemark/server";

export const OPERATE = "operate-0123456789";
export const PERSONAL = "personal-0123456789";
export const READ = "read-0123456789012";
export const tokens = [
  { name: "operate", token: OPERATE, scopes: ["operate"] },
  { name: "personal", token: PERSONAL, scopes: ["operate", "personal"] },
  { name: "read", token: READ, scopes: ["read"] },
] as const;

/** The status and the JSON of an answer. */
export interface Answer<Body = unknown> {
  readonly status: number;
  readonly body: Body;
}

/** Sends GET, or POST where there is a payload. */
export async function ask<Body = unknown>(
  { app }: Pick<FeatureServer, "app">,
  url: string,
  { token, payload }: { readonly token?: string; readonly payload?: object } = {},
): Promise<Answer<Body>> {
  const answer = await app.inject({
    method: payload === undefined ? "GET" : "POST",
    url,
    ...(payload === undefined ? {} : { payload }),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: answer.statusCode, body: answer.json<Body>() };
}
