/**
 * Brings the stored profiles of a source or a view up to its rows. Only days with changed rows are
 * read again. A commit holds days, and how far the rows were read, so a killed call goes on.
 */
import type { OfflineStore, TableState } from "../spi.ts";
import { countDays, type CountedDays } from "./count-days.ts";
import { clusters, EVERY_DAY, joinedRanges, rangesWithin, rangesWithout } from "./day-ranges.ts";
import type { DayRange } from "./day-rows.ts";
import { dayText } from "./days.ts";
import type { OpenedSubject, ProfileSubject } from "./profile-subject.ts";
import {
  contended,
  profileRows,
  profileState,
  profileStep,
  profileTable,
  storedDays,
  type ProfileState,
} from "./profile-table.ts";

const ATTEMPTS = 10;
/** Changed days with at most so many others between them are read together. */
const GAP_DAYS = 14;

/** How profiles are brought up to date. */
export interface UpdateOptions {
  /** The days that are wanted. Others may stay stale. */
  readonly range: DayRange;
  /** How many values may be in memory. */
  readonly values: number;
  readonly signal: AbortSignal | undefined;
  readonly onDays?: ((days: number) => void) | undefined;
}

/** The table of profiles after an update. */
export interface UpdatedProfiles {
  /** null: there is no table, because there never were rows. */
  readonly table: TableState | null;
  /** The days that the table has rows of. */
  readonly days: readonly number[];
  /** The number of days whose rows were counted. */
  readonly counted: number;
}

/**
 * Brings the profiles of the days of the range up to date.
 *
 * @throws PROFILE_CONTENDED when other calls keep writing the table.
 */
export async function updateProfiles(
  offline: OfflineStore,
  subject: ProfileSubject,
  options: UpdateOptions,
): Promise<UpdatedProfiles> {
  const { signal } = options;
  const counted = new Set<number>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const table = await offline.state(subject.table, { signal });
    const opened = await subject.open(signal);
    const known = profileState(table);
    const isSame = known?.fingerprint === subject.fingerprint;
    const stale = isSame
      ? joinedRanges([...known.stale, ...(await opened.staleSince(known.checked))])
      : [EVERY_DAY];
    const days = await storedDays(offline, subject.table, table, signal);
    if (table === null && opened.checked === null) return { table, days, counted: 0 };
    const writer = new ProfileWriter(offline, subject, opened, { table, days, stale });
    const isDone = await writer.countStale(options, (day) => {
      counted.add(day);
      options.onDays?.(counted.size);
    });
    if (isDone) return { table: writer.table, days: writer.days(), counted: counted.size };
  }
  throw contended(offline, subject.table, ATTEMPTS);
}

/** Counts stale days and commits them. */
class ProfileWriter {
  table: TableState | null;
  private readonly stored: Set<number>;
  private stale: readonly DayRange[];
  private readonly offline: OfflineStore;
  private readonly subject: ProfileSubject;
  private readonly opened: OpenedSubject;

  constructor(
    offline: OfflineStore,
    subject: ProfileSubject,
    opened: OpenedSubject,
    {
      table,
      days,
      stale,
    }: {
      readonly table: TableState | null;
      readonly days: readonly number[];
      readonly stale: readonly DayRange[];
    },
  ) {
    this.offline = offline;
    this.subject = subject;
    this.opened = opened;
    this.table = table;
    this.stored = new Set(days);
    this.stale = stale;
  }

  /** The days that the table has rows of, in their order. */
  days(): readonly number[] {
    return [...this.stored].sort((a, b) => a - b);
  }

  /** Returns false if another writer was faster. */
  async countStale(
    { range, values, signal }: UpdateOptions,
    onDay: (day: number) => void,
  ): Promise<boolean> {
    const wanted = rangesWithin(this.stale, range);
    for (const ranges of clusters(wanted, GAP_DAYS))
      for await (const group of countDays(this.opened.rows, ranges, { values, signal })) {
        if (!(await this.commit(group, ranges, signal))) return false;
        for (const day of group.days.keys()) onDay(day);
      }
    return wanted.length > 0 || (await this.commitChecked(signal));
  }

  private async commit(
    { range, days }: CountedDays,
    ranges: readonly DayRange[],
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const done = rangesWithin(ranges, range);
    const gone = [...this.stored].filter(
      (day) => rangesWithin(done, { from: day, to: day }).length > 0,
    );
    const stale = done.reduce<readonly DayRange[]>(
      (left, one) => rangesWithout(left, one),
      this.stale,
    );
    const { name, columns, partitionBy } = profileTable(this.subject.table);
    const table = { name, columns, partitionBy };
    const metadata = [profileStep(this.table, this.next(stale))];
    const replaced = [...new Set([...gone, ...days.keys()])];
    const rows = days.size === 0 ? [] : [profileRows(days, this.subject.startOf)];
    const written =
      replaced.length === 0
        ? await this.offline.append(table, [], { positions: [], metadata, signal })
        : await this.offline.rewrite(table, rows, {
            replaced: { [partitionBy[0]!]: replaced.map(dayText) },
            expectedVersion: this.table?.version ?? null,
            positions: [],
            metadata,
            signal,
          });
    if (written === "conflict") return false;
    for (const day of gone) this.stored.delete(day);
    for (const day of days.keys()) this.stored.add(day);
    this.stale = stale;
    return this.reread(metadata[0]!.next!, signal);
  }

  /** Says that the days are right for the rows as they are, if the table says less. */
  private async commitChecked(signal: AbortSignal | undefined): Promise<boolean> {
    const step = profileStep(this.table, this.next(this.stale));
    if (step.expected === step.next) return true;
    const table = profileTable(this.subject.table);
    const options = { positions: [], metadata: [step], signal };
    if ((await this.offline.append(table, [], options)) === "conflict") return false;
    return this.reread(step.next!, signal);
  }

  private next(stale: readonly DayRange[]): ProfileState {
    return { fingerprint: this.subject.fingerprint, checked: this.opened.checked, stale };
  }

  /** Reads the state after a commit. False: another writer has committed since. */
  private async reread(text: string, signal: AbortSignal | undefined): Promise<boolean> {
    this.table = await this.offline.state(this.subject.table, { signal });
    return profileStep(this.table, this.next(this.stale)).expected === text;
  }
}
