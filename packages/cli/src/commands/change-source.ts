/** What the commands share that read a change source of the configuration. */
import { TidemarkError, type NotTaken, type RunOptions } from "@tidemark/core";
import {
  backpressureText,
  didYouMean,
  isExpected,
  mismatchText,
  firstNotTakenText,
} from "@tidemark/core/internal";
import type { LoadedConfig } from "../config/config-file.ts";
import { usage, type ParsedOptions } from "../terminal/options.ts";
import type { Progress } from "../terminal/progress.ts";

/** Milliseconds between two progress lines where stderr is no terminal. */
const REPORT_INTERVAL = 60_000;

/**
 * The change source that `--changes` names. The option may be left out if the configuration has
 * one change source.
 *
 * @throws USAGE when several are configured and none is named.
 * @throws CONFIG_INVALID when none is configured.
 */
export function changeSourceName(given: ParsedOptions, { file, changes }: LoadedConfig): string {
  const names = Object.keys(changes ?? {});
  const name = given.text("changes") ?? (names.length === 1 ? names[0] : undefined);
  if (name !== undefined) return name;
  if (names.length > 0) throw usage(`--changes is missing: there are ${names.join(", ")}`);
  throw new TidemarkError(
    "CONFIG_INVALID",
    `${file}: there is no change source; add changes: { name: ({ until }) => ` +
      "kafkaChanges({ brokers, topics, until }) }",
  );
}

/** @throws SOURCE_UNKNOWN when the definitions have no source of this name. */
export function checkSourceName(name: string, names: readonly string[], file: string): void {
  if (names.includes(name)) return;
  throw new TidemarkError(
    "SOURCE_UNKNOWN",
    `${file}: no source is called "${name}"${didYouMean(name, names)} (there ` +
      `${names.length === 1 ? "is" : "are"} ${names.join(", ") || "none"})`,
  );
}

export interface RunReport extends Required<
  Pick<RunOptions, "onProgress" | "onBackpressure" | "onNotTaken" | "onMismatch">
> {
  /** Changes read so far. */
  readonly changes: () => number;
  /** What was not taken so far. */
  readonly notTaken: () => readonly NotTaken[];
}

/**
 * Callbacks of a run that report its progress, its backpressure and what it does not take on
 * stderr.
 */
export function reportRun(name: string, progress: Progress, seconds: () => string): RunReport {
  let changes = 0;
  let notTaken: readonly NotTaken[] = [];
  let reported = performance.now();
  return {
    changes: () => changes,
    notTaken: () => notTaken,
    onNotTaken(first) {
      if (!isExpected(first)) progress.warn(firstNotTakenText(first));
    },
    onMismatch(mismatch) {
      progress.warn(mismatchText(mismatch));
    },
    onBackpressure(stall) {
      if (stall.caughtUp) progress.done(backpressureText(stall));
      else progress.warn(backpressureText(stall));
    },
    onProgress({ changes: count, total, notTaken: entries }) {
      changes = count;
      notTaken = entries;
      const text = `${name}: ${count} changes${total === null ? "" : ` of ${total}`}, ${seconds()}`;
      progress.update(text);
      if (performance.now() - reported < REPORT_INTERVAL) return;
      reported = performance.now();
      progress.done(text);
    },
  };
}
