/** Warns of a training set whose source has no history: all of its features are empty. */
import type { OfflineStore } from "../spi.ts";

/**
 * The text of the warning; null: every source has a history. A history that is not there, such as
 * that of an unmounted volume, looks like one without a commit (law 6: the answer is then empty).
 *
 * @param knownSince The first commit of each source, µs; null: the source has no history.
 */
export function emptyHistoryText(
  { name }: OfflineStore,
  knownSince: ReadonlyMap<string, number | null>,
): string | null {
  const empty = [...knownSince].flatMap(([source, since]) =>
    since === null ? [JSON.stringify(source)] : [],
  );
  if (empty.length === 0) return null;
  return (
    `${name}: there is no history of source${empty.length === 1 ? "" : "s"} ${empty.join(", ")}, ` +
    "so this training set has empty features: run the source into this store with tidemark run " +
    '(store.run), or correct the store\'s path. beforeHistory: "error" refuses such rows, and ' +
    '"empty" takes them without this warning'
  );
}
