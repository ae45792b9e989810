/** Keeps examples of values that differ. */
import { memberText, parseMembers } from "../serving-log/json-values.ts";
import type { SelectedFeature } from "../specs.ts";
import { formatTime } from "../time/parse-time.ts";
import type { DifferingValue, StatedValue } from "./compare-answers.ts";
import { explainCommand } from "./explain-command.ts";
import type { LoggedRow } from "./read-log.ts";
import type { SkewedValue, SkewExample } from "./skew-types.ts";

/** A value that differs, and what was found out about it. */
export interface JudgedValue extends Pick<SkewExample, "kind" | "bits" | "feature"> {
  readonly differing: DifferingValue;
  readonly selected: SelectedFeature;
  readonly row: LoggedRow;
  /** The commit time of the change that explains it, µs. null: none does. */
  readonly change: number | null;
}

/** Keeps the first examples of each feature and kind. `most`: of each. */
export function skewExamples(most: number): {
  readonly all: readonly SkewExample[];
  add(value: JudgedValue): void;
} {
  const all: SkewExample[] = [];
  const counts = new Map<string, number>();
  return {
    all,
    add(value) {
      const key = `${value.kind} ${value.feature}`;
      const known = counts.get(key) ?? 0;
      if (known >= most) return;
      counts.set(key, known + 1);
      all.push(exampleOf(value));
    },
  };
}

function exampleOf(value: JudgedValue): SkewExample {
  const { kind, bits, feature, selected, row, change, differing } = value;
  const entity = textsOf(row.entity);
  const asOf = formatTime(row.asOf);
  return {
    kind,
    feature,
    service: row.service,
    requestId: row.requestId,
    entity,
    asOf,
    answeredAt: formatTime(row.answeredAt),
    logged: shown(differing.logged),
    recomputed: shown(differing.recomputed),
    bits,
    change: change === null ? null : formatTime(change),
    explain: explainCommand(selected, { ...textsOf(row.requestData ?? "{}"), ...entity }, asOf),
  };
}

/** The members of logged JSON as texts. */
function textsOf(members: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(parseMembers(members)).map(([name, value]) => [
      name,
      typeof value === "string" ? value : memberText(value),
    ]),
  );
}

function shown({ value, status }: StatedValue): SkewedValue {
  return { value: memberText(value), status };
}
