/** Reads the options that profiles and drift share. */
import type { Definitions } from "../define/collect-definitions.ts";
import { specOfService, specOfSource, specOfView } from "../define/spec-of.ts";
import { didYouMean } from "../did-you-mean.ts";
import { TidemarkError } from "../errors.ts";
import { DEFAULT_MEMORY_LIMIT, LEAST_MEMORY_LIMIT } from "../memory-limit.ts";
import { bytesOption } from "../option-checks.ts";
import type { OfflineStore } from "../spi.ts";
import { valuesWithin } from "./count-days.ts";
import type { DayRange, DayRows } from "./day-rows.ts";
import { dayOfText, type Days } from "./days.ts";
import { sourceSubject, viewSubject, type ProfileSubject } from "./profile-subject.ts";
import type { ProfileOptions } from "./profile-types.ts";
import { serviceSubject } from "./served-answers.ts";

/** What profiles are made from. */
export interface ProfileContext {
  readonly definitions: Definitions;
  readonly offline: OfflineStore;
}

/** The names of the options that say what is measured, and how. */
export const SUBJECT_OPTIONS: readonly string[] = [
  "source",
  "view",
  "service",
  "rows",
  "from",
  "to",
  "columns",
  "zone",
  "memoryLimit",
  "signal",
];

/**
 * The source, the view or the service of the options.
 *
 * @throws PROFILE_INVALID when not exactly one of source, view, service and rows is given.
 * @throws SOURCE_UNKNOWN when there is no such source.
 * @throws VIEW_UNKNOWN when there is no such view.
 * @throws SERVICE_UNKNOWN when there is no such service.
 */
export function subjectOf(
  call: string,
  { source, view, service, rows }: Pick<ProfileOptions, "source" | "view" | "service" | "rows">,
  { definitions, offline }: ProfileContext,
  days: Days,
): ProfileSubject {
  const given = [source, view, service, rows].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new TidemarkError(
      "PROFILE_INVALID",
      `${call}: give one of source, view, service and rows`,
    );
  if (source !== undefined) {
    const name = typeof source === "string" ? source : specOfSource(source).name;
    return sourceSubject(offline, named(call, "source", name, definitions.sources), days);
  }
  if (service !== undefined) {
    const name = typeof service === "string" ? service : specOfService(service).name;
    return serviceSubject(offline, named(call, "service", name, definitions.services));
  }
  const name = typeof view === "string" ? view : specOfView(view).name;
  return viewSubject(offline, named(call, "view", name, definitions.views));
}

/** Whether the options name a source, a view or a service. */
export function namesSubject({
  source,
  view,
  service,
}: Pick<ProfileOptions, "source" | "view" | "service">): boolean {
  return [source, view, service].some((one) => one !== undefined);
}

const UNKNOWN = {
  source: "SOURCE_UNKNOWN",
  view: "VIEW_UNKNOWN",
  service: "SERVICE_UNKNOWN",
} as const;

function named<Spec extends { readonly name: string }>(
  call: string,
  kind: "source" | "view" | "service",
  name: string,
  specs: ReadonlyMap<string, Spec>,
): Spec {
  const spec = specs.get(name);
  if (spec !== undefined) return spec;
  throw new TidemarkError(
    UNKNOWN[kind],
    `${call}: no ${kind} is called "${name}"${didYouMean(name, specs.keys())}; there ` +
      `${specs.size === 1 ? "is" : "are"} ${[...specs.keys()].join(", ") || "none"}`,
  );
}

/**
 * The days of `from` to before `to`.
 *
 * @throws DATE_INVALID when a text is no day of the calendar.
 * @throws DATES_EMPTY when there is no day.
 */
export function rangeOf(call: string, { from, to }: Pick<ProfileOptions, "from" | "to">): DayRange {
  const first = from === undefined ? -Infinity : dayOption(`${call}: from`, from);
  const end = to === undefined ? Infinity : dayOption(`${call}: to`, to);
  if (first < end) return { from: first, to: end - 1 };
  throw new TidemarkError(
    "DATES_EMPTY",
    `${call}: from ${from} to ${to} holds no day; from is in and to is not, so for one day give ` +
      "the day after it as to",
  );
}

function dayOption(who: string, text: unknown): number {
  const day = dayOfText(text);
  if (day !== null) return day;
  throw new TidemarkError(
    "DATE_INVALID",
    `${who}: ${typeof text === "string" ? JSON.stringify(text) : `a ${typeof text}`} is no day ` +
      'of the calendar; write it as "2025-06-14"',
  );
}

/** How many values may be in memory. */
export function valuesOf(call: string, memoryLimit: unknown): number {
  const bytes = bytesOption(`${call}: memoryLimit`, memoryLimit, {
    least: LEAST_MEMORY_LIMIT,
    otherwise: DEFAULT_MEMORY_LIMIT,
  });
  return valuesWithin(bytes);
}

/**
 * The names of the asked columns.
 *
 * @throws COLUMN_UNKNOWN when there is no such column.
 */
export function namesOf(
  call: string,
  of: string,
  columns: DayRows["columns"],
  asked: readonly string[] | undefined,
): ReadonlySet<string> {
  const names = columns.map(({ column }) => column.name);
  for (const name of asked ?? [])
    if (!names.includes(name))
      throw new TidemarkError(
        "COLUMN_UNKNOWN",
        `${call}: ${of} has no column "${name}"${didYouMean(name, names)}; there are ` +
          names.join(", "),
      );
  return new Set(asked ?? names);
}

/** The columns with these names, in the order of the names. */
export function inOrder(
  names: ReadonlySet<string>,
  columns: DayRows["columns"],
): DayRows["columns"] {
  const byName = new Map(columns.map((one) => [one.column.name, one]));
  return [...names].map((name) => byName.get(name)!);
}
