/** Judges whether the rows of a source fit its definition. */
import { TidemarkError } from "../errors.ts";
import { EXPECTATION_REASON } from "../rows/row-expectations.ts";
import type { Change } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { notTakenPlace, type NotTaken } from "./not-taken.ts";
import { TextColumns, type TextColumn } from "./text-columns.ts";

/**
 * Says that most rows of a source do not fit its definition, because of one column: a wrong name, a
 * wrong type, or a wrong primary key.
 */
export interface SourceMismatch {
  readonly source: string;
  /** The column at fault; null: the primary key of the row. */
  readonly column: string | null;
  /** A stable code such as `COLUMN_ABSENT`, `NOT_A_TIME`, `ROW_WITHOUT_KEY`. */
  readonly reason: string;
  /** How many of the rows do not fit. */
  readonly rows: number;
  /** How many rows were looked at. */
  readonly of: number;
  /** The first of them, with its value and the next step. */
  readonly first: NotTaken["first"];
}

/** The rows after which the first warning is given. */
export const ROWS_BEFORE_WARNING = 100;
/** The first rows of a new source, which decide whether a run goes on. Later rows only warn. */
const ROWS_BEFORE_COMMIT = 1_000;
/** The share of rows that do not fit, above which a warning is given. */
const MOST = 0.5;
/** The least share of unusable rows that stops a run, unless an option says another. */
export const DEFAULT_MISMATCH = 0.5;

/**
 * Returns the given share, or "ignore".
 *
 * @throws OPTION_INVALID when it is neither.
 */
export function mismatchOption(given: unknown): number | "ignore" | undefined {
  if (given === undefined || given === "ignore") return given;
  if (typeof given === "number" && given >= 0 && given <= 1) return given;
  throw new TidemarkError(
    "OPTION_INVALID",
    `run: mismatch is ${typeof given === "string" ? `"${given}"` : String(given as number)}; ` +
      'write a share from 0 to 1, such as 0.5, or "ignore"',
  );
}

/** Undecodable messages whose row could be read under another definition. */
const BY_DEFINITION: ReadonlySet<string> = new Set(["ROW_WITHOUT_KEY"]);

interface Fault {
  readonly column: string | null;
  readonly reason: string;
  readonly first: NotTaken["first"];
  /** Whether it is a fault only if all rows have it. */
  readonly isOfAll: boolean;
  rows: number;
}

export interface SourceFitOptions {
  readonly source: string;
  /** The columns that a key, a time or a feature reads. Without them a row is of no use. */
  readonly needed: ReadonlySet<string>;
  /** The columns that are declared as text, without keys. */
  readonly textColumns: readonly TextColumn[];
  /** The index of the event time among the columns of the source; -1: it has none. */
  readonly eventTime: number;
  /** Called once for each column and reason that most rows have. */
  readonly onMismatch: (mismatch: SourceMismatch) => void;
}

/** Looks at the rows of one source in one run. */
export class SourceFit {
  private readonly options: SourceFitOptions;
  /** The first rows of the run, up to `ROWS_BEFORE_COMMIT`. */
  private readonly first = { rows: 0, unusable: 0, faults: new Map<string, Fault>() };
  /** The rows since the last warning. */
  private recent = { rows: 0, least: ROWS_BEFORE_WARNING, faults: new Map<string, Fault>() };
  private readonly told = new Set<string>();
  private readonly texts: TextColumns;

  constructor(options: SourceFitOptions) {
    this.options = options;
    this.texts = new TextColumns(options.textColumns);
  }

  /** Adds a change, with what was not taken of it. */
  add(change: Change, notTaken: readonly NotTaken[]): void {
    if (change.kind !== "upsert" && change.undecodable === null) return;
    if (change.undecodable !== null && !BY_DEFINITION.has(change.undecodable.reason)) return;
    const { first, recent } = this;
    const isFirst = first.rows < ROWS_BEFORE_COMMIT;
    if (isFirst) first.rows++;
    recent.rows++;
    this.texts.add(change);
    const ahead = eventTimeAhead(change, this.options.eventTime);
    if (ahead !== null)
      count(recent.faults, EVENT_TIME_AHEAD, {
        column: null,
        reason: EVENT_TIME_AHEAD,
        first: ahead,
        isOfAll: false,
      });
    const absent = change.absentColumns ?? NONE;
    if (notTaken.length > 0 || absent.length > 0) {
      let isUsable = true;
      let last = "";
      for (const { kind, column, reason, first: example } of notTaken) {
        // a row that violates an expectation is as the definition foresees
        if (kind === "quarantined" && reason.startsWith(EXPECTATION_REASON)) continue;
        if (kind === "undecodable" || kind === "quarantined" || kind === "miskeyed")
          isUsable = false;
        else if (column !== null && this.options.needed.has(column)) isUsable = false;
        const key = `${column ?? ""}\0${reason}`;
        // A row without a readable time is both invalid and quarantined, for one reason.
        if (column === null && kind === "invalid") continue;
        if (key === last) continue;
        last = key;
        const fault = { column, reason, first: example, isOfAll: false };
        if (isFirst) count(first.faults, key, fault);
        count(recent.faults, key, fault);
      }
      const { topic, partition, offset } = change;
      for (const { column, reason, message = reason } of absent) {
        const key = `${column}\0${reason}`;
        const example = { topic, partition, offset, message };
        // A nullable column that some rows have is null in the others.
        const fault = { column, reason, first: example, isOfAll: true };
        count(recent.faults, key, fault);
        if (isFirst) count(first.faults, key, fault);
      }
      if (isFirst && !isUsable) first.unusable++;
    }
    if (recent.rows >= recent.least) this.warn();
  }

  /**
   * Says whether a run may write the first rows. "undecided": more rows must be seen.
   * `ended`: no more rows come, or none came for a while.
   */
  verdict(most: number, ended: boolean): "fits" | "undecided" | TidemarkError {
    const { rows, unusable, faults } = this.first;
    if (rows < ROWS_BEFORE_COMMIT && !ended) return "undecided";
    if (rows < ROWS_BEFORE_WARNING || unusable <= most * rows) return "fits";
    for (const [key, fault] of faults)
      if (fault.isOfAll ? fault.rows === rows : fault.rows > most * rows)
        this.tell(key, fault, rows);
    return sourceMismatch(this.options.source, rows, unusable, [...faults.values()]);
  }

  private warn(): void {
    const { rows, faults } = this.recent;
    this.recent = { rows: 0, least: ROWS_BEFORE_COMMIT, faults: new Map() };
    for (const [key, fault] of faults)
      if (fault.isOfAll ? fault.rows === rows : fault.rows > rows * MOST)
        this.tell(key, fault, rows);
    for (const mismatch of this.texts.mismatches(this.options.source)) {
      const key = `${mismatch.column}\0${mismatch.reason}`;
      if (this.told.has(key)) continue;
      this.told.add(key);
      this.options.onMismatch(mismatch);
    }
  }

  private tell(key: string, { column, reason, first, rows }: Fault, of: number): void {
    if (this.told.has(key)) return;
    this.told.add(key);
    this.options.onMismatch({ source: this.options.source, column, reason, rows, of, first });
  }
}

/** The reason of rows whose event time is after their commit. */
export const EVENT_TIME_AHEAD = "EVENT_TIME_AHEAD";
/** How long after its commit an event is told, µs. Clocks differ by less. */
const AHEAD = 3_600_000_000;

/** The example of a row whose event time is long after its commit; null: it is not. */
function eventTimeAhead(
  { values, committed, topic, partition, offset }: Change,
  index: number,
): NotTaken["first"] | null {
  const time = index < 0 || values === null ? null : values[index];
  if (typeof time !== "number" || committed === null || time < committed + AHEAD) return null;
  const message =
    `its event time ${formatTime(time)} is after its commit at ${formatTime(committed)}, and no ` +
    "window has the row before that; correct the zone or the unit of the event time, unless the " +
    "times are planned ones";
  return { topic, partition, offset, message };
}

const NONE: readonly never[] = [];

function count(faults: Map<string, Fault>, key: string, fault: Omit<Fault, "rows">): void {
  const known = faults.get(key);
  if (known === undefined) faults.set(key, { ...fault, rows: 1 });
  else known.rows++;
}

/** Says what most rows lack, where the first of them is, and what it says. */
export function mismatchText({ source, column, reason, rows, of, first }: SourceMismatch): string {
  const what = rows === of ? `none of ${of} rows fits` : `${rows} of ${of} rows do not fit`;
  return (
    `source "${source}": ${what} the definition` +
    `${column === null ? "" : ` of column "${column}"`} (${reason}); the first is ` +
    notTakenPlace({ first })
  );
}

function sourceMismatch(
  source: string,
  rows: number,
  unusable: number,
  faults: readonly Fault[],
): TidemarkError {
  // An absent column says more than the missing values that follow from it.
  const [worst] = faults.toSorted(
    (a, b) => b.rows - a.rows || Number(b.isOfAll) - Number(a.isOfAll),
  );
  const place = notTakenPlace(worst!);
  const others = faults
    .filter(
      (fault) => fault !== worst && fault.column !== worst!.column && fault.rows > rows * MOST,
    )
    .map(({ column, reason }) => `${column ?? "the key"} (${reason})`);
  return new TidemarkError(
    "SOURCE_MISMATCH",
    `source "${source}": ${unusable} of its first ${rows} rows cannot be used, so nothing of ` +
      `this source was taken. ${worst!.rows} of them` +
      `${worst!.column === null ? "" : `, column "${worst!.column}"`} (${worst!.reason}); the ` +
      `first is ${place}${/[.?!]$/.test(place) ? "" : "."} ` +
      (others.length === 0 ? "" : `Also: ${others.join(", ")}. `) +
      "Correct the definition and run again, or take the rows as they are with --mismatch ignore " +
      '(mismatch: "ignore")',
  );
}
