/** The settings of the serving log. */
import { durationMicros, type Duration } from "../define/duration.ts";
import { TidemarkError } from "../errors.ts";
import { bytesOption, refuseUnknownOptions, type OptionNames } from "../option-checks.ts";

/** The settings of the serving log: what it holds, for how long, and when it is written. */
export interface ServingLogOptions {
  /**
   * The share of the requests that are logged, from 0 to 1. A request with an id is always in or
   * always out, in every process. Default: 1.
   */
  readonly sample?: number | undefined;
  /** How long the rows of a day are kept. "forever" keeps all. Default: "30d". */
  readonly retention?: Duration | "forever" | undefined;
  /** When rows are committed to the table: at whichever limit comes first. */
  readonly commit?:
    | {
        /** Default: 20,000. */
        readonly rows?: number | undefined;
        /** The age of the oldest row that is not committed. Default: "10s". */
        readonly age?: Duration | undefined;
      }
    | undefined;
  /** What may wait in memory. A row beyond a limit is lost, and counted. */
  readonly queue?:
    | {
        /** Default: 100,000. */
        readonly rows?: number | undefined;
        /** The size of the waiting texts. Default: 64 MiB. */
        readonly bytes?: number | undefined;
      }
    | undefined;
  /** Draws the requests without an id that are logged. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** @internal How old (ms) what the log knows of taken changes may be, for tests. */
  readonly takenAge?: number | undefined;
}

/** The settings in the units that the code computes with. */
export interface ServingLogSettings {
  readonly sample: number;
  /** µs; Infinity: for ever. */
  readonly retention: number;
  readonly commitRows: number;
  /** ms */
  readonly commitAge: number;
  readonly queueRows: number;
  readonly queueBytes: number;
  readonly random: () => number;
  /** ms */
  readonly takenAge: number;
}

const OPTIONS: OptionNames = {
  names: new Set<keyof ServingLogOptions>([
    "sample",
    "retention",
    "commit",
    "queue",
    "random",
    "takenAge",
  ]),
  renamed: {},
};
const COMMIT_OPTIONS: OptionNames = { names: new Set(["rows", "age"]), renamed: {} };
const QUEUE_OPTIONS: OptionNames = { names: new Set(["rows", "bytes"]), renamed: {} };

/**
 * Reads the settings of the serving log.
 *
 * @throws OPTION_UNKNOWN when there is no such option.
 * @throws OPTION_INVALID when a share or a limit is none.
 * @throws DURATION_INVALID when a duration is none.
 */
export function servingLogSettings(
  options: ServingLogOptions,
  who = "openStore: servingLog",
): ServingLogSettings {
  if (typeof options !== "object" || options === null)
    throw new TidemarkError(
      "OPTION_INVALID",
      `${who} is ${String(options)}; give its settings, such as { sample: 0.1 }, or {} for all ` +
        "defaults",
    );
  refuseUnknownOptions(who, options, OPTIONS);
  const { sample = 1, retention = "30d", commit = {}, queue = {}, random = Math.random } = options;
  refuseUnknownOptions(`${who}.commit`, commit, COMMIT_OPTIONS);
  refuseUnknownOptions(`${who}.queue`, queue, QUEUE_OPTIONS);
  if (!(typeof sample === "number" && sample >= 0 && sample <= 1))
    throw new TidemarkError(
      "OPTION_INVALID",
      `${who}.sample is ${String(sample)}; write a share from 0 to 1, such as 0.1`,
    );
  const rows = (option: string, given: number | undefined, otherwise: number): number => {
    if (given === undefined) return otherwise;
    if (Number.isSafeInteger(given) && given >= 1) return given;
    throw new TidemarkError(
      "OPTION_INVALID",
      `${who}.${option} is ${String(given)}; write a whole number of rows, 1 or more`,
    );
  };
  return {
    sample,
    retention: retention === "forever" ? Infinity : durationMicros(`${who}.retention`, retention),
    commitRows: rows("commit.rows", commit.rows, 20_000),
    commitAge: durationMicros(`${who}.commit.age`, commit.age ?? "10s") / 1000,
    queueRows: rows("queue.rows", queue.rows, 100_000),
    queueBytes: bytesOption(`${who}.queue.bytes`, queue.bytes, {
      least: 1,
      otherwise: 64 * 2 ** 20,
    }),
    random,
    takenAge: options.takenAge ?? 1_000,
  };
}
