/** Reads the body of a push as the rows that `store.push` takes. */
import type { FeatureResolver } from "../features/feature-resolver.ts";
import type { Limits } from "../options/limits.ts";
import { bodyOf, requestInvalid, rowsIn, textIn } from "./request-body.ts";
import { rowReader } from "./wire-values.ts";

/** A row of a push. */
export type PushBody = Readonly<Record<string, unknown>>;

/** A request to push rows and deletes. */
export interface PushRequest {
  readonly rows: readonly PushBody[];
  readonly deletes: readonly PushBody[];
  readonly id: string | undefined;
}

/**
 * Makes a reader of pushes by the name of their source. The store refuses wrong rows, and a source
 * that is no push source.
 *
 * @throws SOURCE_UNKNOWN when no source has the name. The message suggests the nearest name.
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws TOO_MANY_ROWS when the body has more rows or deletes than `limits` allows.
 */
export function pushRequests(
  resolver: FeatureResolver,
  limits: Limits,
): (source: string, given: unknown) => PushRequest {
  const readers = new Map<string, (row: unknown) => unknown>();
  return (name, given) => {
    const source = resolver.source(name);
    let read = readers.get(name);
    if (read === undefined) readers.set(name, (read = rowReader(source.columns)));
    const body = bodyOf(given, ["rows", "deletes", "id"]);
    if (body["rows"] === undefined && body["deletes"] === undefined)
      throw requestInvalid(
        "the body has neither rows nor deletes; " +
          "give rows, a list of objects with the columns of the source",
      );
    const listed = (member: string): readonly PushBody[] =>
      body[member] === undefined
        ? []
        : (rowsIn(body, member, limits.rows, "TOO_MANY_ROWS").map(read) as readonly PushBody[]);
    return { rows: listed("rows"), deletes: listed("deletes"), id: textIn(body, "id") };
  };
}
