import type { SourceSpec } from "../../src/specs.ts";
import type { Change } from "../../src/spi.ts";

/**
 * The changes of a source as the runner gives them to the store consumers.
 * A change without an order gets the highest order that its partition held before.
 */
export function withLogOrder(source: SourceSpec, all: readonly Change[]): Change[] {
  const highest = new Map<string, bigint>();
  return all
    .filter((change) => change.source === source.name)
    .map((change) => {
      const partition = `${change.topic}:${change.partition}`;
      const before = highest.get(partition);
      if (change.order === null)
        return before === undefined ? change : { ...change, inheritedOrder: before };
      if (before === undefined || change.order > before) highest.set(partition, change.order);
      return change;
    });
}
