/**
 * Tells when every broker answered fetches without a message. A broker's answer may also hold
 * batches whose messages compaction removed. kafkajs reports no such batch and no offset of it.
 */

/** Fetches of each broker that must bring nothing. */
const QUIET_FETCHES = 5;
/** How long nothing may have come, ms. Fetched messages may still wait in kafkajs meanwhile. */
const QUIET_TIME = 1_000;

/** Counts the fetches that brought nothing, by broker. */
export class QuietFetches {
  private fetches = new Map<string, number>();
  private since = performance.now();

  /** Forgets the brokers: the partitions may have other leaders. */
  restart(): void {
    this.fetches = new Map();
    this.since = performance.now();
  }

  /** Called when a fetch brought something, or when a partition is read from now on. */
  moved(): void {
    for (const node of this.fetches.keys()) this.fetches.set(node, 0);
    this.since = performance.now();
  }

  /** Called when a fetch from a broker began. A broker that does not answer is never quiet. */
  began(node: string): void {
    if (!this.fetches.has(node)) this.fetches.set(node, 0);
  }

  /** Called when a broker answered a fetch. */
  ended(node: string): void {
    this.fetches.set(node, (this.fetches.get(node) ?? 0) + 1);
  }

  isQuiet(): boolean {
    return (
      this.fetches.size > 0 &&
      performance.now() - this.since >= QUIET_TIME &&
      [...this.fetches.values()].every((count) => count >= QUIET_FETCHES)
    );
  }
}
