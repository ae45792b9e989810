/** Chooses the requests that are logged. */
import type { ServingLogSettings } from "./serving-log-options.ts";

/**
 * The rows of a request that are logged; null: all. A request with an id is chosen by its id, so
 * that every process chooses alike. Other requests are drawn.
 */
export function sampledRows(
  { sample, random }: Pick<ServingLogSettings, "sample" | "random">,
  length: number,
  requestId: string | readonly string[] | undefined,
): readonly number[] | null | "none" {
  if (sample >= 1) return null;
  if (sample <= 0) return "none";
  if (requestId === undefined) return random() < sample ? null : "none";
  if (typeof requestId === "string") return shareOf(requestId) < sample ? null : "none";
  const rows: number[] = [];
  let [last, isIn] = ["", false];
  for (let i = 0; i < length; i++) {
    const id = requestId[i]!;
    if (i === 0 || id !== last) [last, isIn] = [id, shareOf(id) < sample];
    if (isIn) rows.push(i);
  }
  return rows.length === 0 ? "none" : rows;
}

/** The place of an id between 0 and 1: FNV-1a over its code units, with mixed bits. */
function shareOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
