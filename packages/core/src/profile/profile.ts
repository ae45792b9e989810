/** Profiles a source, a view or some rows. */
import { toBase64 } from "../bytes/bytes-text.ts";
import { refuseUnknownOptions, type OptionNames } from "../option-checks.ts";
import { columnProfile } from "./column-profile.ts";
import { ColumnState } from "./column-state.ts";
import { countDays } from "./count-days.ts";
import type { DayRange } from "./day-rows.ts";
import { daysIn, dayText, type Days } from "./days.ts";
import { givenRows, NO_DAY } from "./given-rows.ts";
import {
  inOrder,
  namesOf,
  namesSubject,
  rangeOf,
  SUBJECT_OPTIONS,
  subjectOf,
  valuesOf,
  type ProfileContext,
} from "./profile-options.ts";
import { storedProfiles } from "./profile-table.ts";
import type {
  ColumnProfile,
  DayProfile,
  ProfiledRows,
  ProfileOptions,
  ProfileReference,
  ProfileReport,
} from "./profile-types.ts";
import { updateProfiles } from "./update-profiles.ts";

const OPTIONS: OptionNames = {
  names: new Set([...SUBJECT_OPTIONS, "onProgress"]),
  renamed: { file: "rows" },
};

/** Makes the profile, and stores that of a source or a view by day. */
export async function profileOf(
  options: ProfileOptions,
  context: ProfileContext,
): Promise<ProfileReport> {
  const { offline } = context;
  refuseUnknownOptions("profile", options, OPTIONS);
  const { zone = "UTC" } = options;
  const days = daysIn(zone);
  const settings = {
    range: rangeOf("profile", options),
    values: valuesOf("profile", options.memoryLimit),
    signal: options.signal,
  };
  if (options.rows !== undefined && !namesSubject(options))
    return profileRows(options.rows, options, days, settings);
  const subject = subjectOf("profile", options, context, days);
  const names = namesOf("profile", subject.name, subject.columns, options.columns);
  const updated = await updateProfiles(offline, subject, {
    ...settings,
    onDays: (count) => options.onProgress?.({ days: count }),
  });
  const wanted = updated.days.filter(
    (day) => day >= settings.range.from && day <= settings.range.to,
  );
  const byDay = new Map<number, Map<string, ColumnProfile>>();
  const all = new Map<string, ColumnState>();
  if (updated.table !== null)
    for await (const { day, profile, state } of storedProfiles(
      offline,
      { table: subject.table, version: updated.table.version },
      wanted,
      settings.signal,
    )) {
      if (!names.has(profile.column)) continue;
      const ofDay = byDay.get(day) ?? new Map<string, ColumnProfile>();
      byDay.set(day, ofDay.set(profile.column, profile));
      const measured = subject.columns.find(({ column }) => column.name === profile.column)!;
      const before = all.get(profile.column) ?? new ColumnState(measured);
      before.merge(ColumnState.decode(state, measured));
      all.set(profile.column, before);
    }
  const columns = inOrder(names, subject.columns);
  return {
    of: { kind: subject.kind, name: subject.name },
    table: updated.table === null ? null : subject.table,
    zone,
    days: wanted.map((day): DayProfile => {
      const profiles = columns.map(({ column }) => byDay.get(day)!.get(column.name)!);
      return { day: dayText(day), rows: profiles[0]!.rows, columns: profiles };
    }),
    ...whole(
      subject.name,
      columns.map((column) => all.get(column.column.name) ?? new ColumnState(column)),
    ),
    counted: updated.counted,
  };
}

/** The profile of all rows together. */
function whole(
  name: string,
  states: readonly ColumnState[],
): Pick<ProfileReport, "all" | "reference"> {
  const columns = states.map((state) => columnProfile(state));
  return {
    all: { rows: columns[0]?.rows ?? 0, columns },
    reference: (): ProfileReference => ({
      format: "tidemark-profile-1",
      name,
      columns: states.map((state) => ({
        column: state.measured.column,
        state: toBase64(state.encode()),
      })),
    }),
  };
}

async function profileRows(
  given: ProfiledRows,
  options: ProfileOptions,
  days: Days,
  {
    range,
    values,
    signal,
  }: {
    readonly range: DayRange;
    readonly values: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<ProfileReport> {
  const { name = "rows" } = given;
  const rows = givenRows(given, days, range);
  const names = namesOf("profile", name, rows.columns, options.columns);
  const columns = inOrder(names, rows.columns);
  const profiles: DayProfile[] = [];
  const all = columns.map((column) => new ColumnState(column));
  for await (const group of countDays({ ...rows, columns }, [range], { values, signal })) {
    for (const [day, counted] of [...group.days].sort(([a], [b]) => a - b)) {
      counted.forEach((one, c) => {
        all[c]!.merge(one.values);
      });
      if (day === NO_DAY) continue;
      profiles.push({
        day: dayText(day),
        rows: counted[0]?.profile.rows ?? 0,
        columns: counted.map(({ profile }) => profile),
      });
    }
    options.onProgress?.({ days: profiles.length });
  }
  return {
    of: { kind: "rows", name },
    table: null,
    zone: days.zone,
    days: profiles,
    ...whole(name, all),
    counted: profiles.length,
  };
}
