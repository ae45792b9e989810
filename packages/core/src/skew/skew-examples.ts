/** Keeps examples of values that differ. */
import { baseFeatures, neededColumns } from "../define/base-features.ts";
import { MASKED, nothingMasked, personalKeys, type Masking } from "../explain/masking.ts";
import { metadataOf } from "../metadata.ts";
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
export function skewExamples(
  most: number,
  masking: Masking,
): { readonly all: readonly SkewExample[]; add(value: JudgedValue): void } {
  const all: SkewExample[] = [];
  const counts = new Map<string, number>();
  return {
    all,
    add(value) {
      const key = `${value.kind} ${value.feature}`;
      const known = counts.get(key) ?? 0;
      if (known >= most) return;
      counts.set(key, known + 1);
      all.push(exampleOf(value, masking));
    },
  };
}

function exampleOf(value: JudgedValue, masking: Masking): SkewExample {
  const { kind, bits, feature, selected, row, change, differing } = value;
  const isMasked = maskedNames(selected, masking);
  const isHidden = masking.feature(selected);
  const entity = textsOf(row.entity, isMasked);
  const asOf = formatTime(row.asOf);
  return {
    kind,
    feature,
    service: row.service,
    requestId: row.requestId,
    entity,
    asOf,
    answeredAt: formatTime(row.answeredAt),
    logged: shown(differing.logged, isHidden),
    recomputed: shown(differing.recomputed, isHidden),
    bits,
    change: change === null ? null : formatTime(change),
    explain: explainCommand(
      selected,
      { ...textsOf(row.requestData ?? "{}", isMasked), ...entity },
      asOf,
    ),
  };
}

/**
 * Says which keys and request data of an example are masked. A request may have keys of other
 * features too. They are masked, because their definitions are not at hand.
 */
function maskedNames(selected: SelectedFeature, masking: Masking): (name: string) => boolean {
  if (masking === nothingMasked) return () => false;
  const personal = new Set(
    baseFeatures([selected]).flatMap(({ view }) => [...personalKeys(view.entity, [view])]),
  );
  const shownNames = new Set(
    neededColumns(selected)
      .filter((column) => metadataOf(column)?.sensitivity !== "pii")
      .map(({ name }) => name),
  );
  return (name) => personal.has(name) || !shownNames.has(name);
}

/** The members of logged JSON as texts. */
function textsOf(
  members: string,
  isMasked: (name: string) => boolean,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(parseMembers(members)).map(([name, value]) => [
      name,
      isMasked(name) ? MASKED : typeof value === "string" ? value : memberText(value),
    ]),
  );
}

/** null is shown: that a value is missing is not personal. */
function shown({ value, status }: StatedValue, isHidden: boolean): SkewedValue {
  return { value: isHidden && value !== null ? MASKED : memberText(value), status };
}
