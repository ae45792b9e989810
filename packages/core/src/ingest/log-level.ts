/**
 * Says whether a source is level with its whole log. Several runs of one group each read some
 * partitions of a topic, so the level of one run is not the level of the log.
 */
import type { SourceSpec } from "../specs.ts";
import type { ChangeSource } from "../spi.ts";

/** What a run is level with. */
export interface LogLevel {
  /** The run's own partitions. Each was level once. */
  readonly partitions: readonly string[];
  /** Whether a source is level with its log, if these partitions were level once. */
  isWhole(source: string, level: ReadonlySet<string>): boolean;
  /** Whether a source is level although none of its messages could be read. */
  readonly keepsUnreadable?: boolean | undefined;
}

/**
 * Asks the log for all of its partitions. A log that only one run reads is level with that run.
 *
 * @throws the error of a log that does not answer.
 */
export async function logLevel(
  from: ChangeSource,
  sources: readonly SourceSpec[],
  partitions: readonly string[],
  signal: AbortSignal,
): Promise<LogLevel> {
  if (from.shared !== true || from.lag === undefined || from.ends === undefined)
    return { partitions, isWhole: () => true };
  const ends = await from.ends({ sources, signal });
  return {
    partitions,
    isWhole(name, level) {
      const own = ends.filter(({ source }) => source === name || source === null);
      // The log has no topic of the source, so another log has its rows.
      if (own.length === 0) return false;
      return own.every(({ partition, end }) => end === 0 || level.has(partition));
    },
  };
}

/** The level of a run whose log does not tell all of its partitions. */
export function partOfLevel(partitions: readonly string[]): LogLevel {
  return { partitions, isWhole: () => false };
}
