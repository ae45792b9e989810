/**
 * Maps whose JSON is a list of pairs, because their keys are no text. Users see such keys as text
 * too, such as decimals, and an empty map has no key to look at.
 */
const known = new WeakSet<ReadonlyMap<unknown, unknown>>();

/** Notes that the JSON of the map is a list of pairs. */
export function mapOfPairs<M extends ReadonlyMap<unknown, unknown>>(map: M): M {
  known.add(map);
  return map;
}

/** Whether the JSON of a map is a list of pairs. A map of a user is one if a key is no text. */
export function isMapOfPairs(map: ReadonlyMap<unknown, unknown>): boolean {
  return known.has(map) || [...map.keys()].some((key) => typeof key !== "string");
}
