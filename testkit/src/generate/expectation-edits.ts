/** Edits of what sources expect of their rows. */
import type { RowExpectationSpec } from "../../../packages/core/src/specs.ts";
import { withSource } from "./definition-set.ts";
import type { Edit } from "./definition-edits.ts";
import { comparedColumn } from "./expressions.ts";

/** Adds an expectation, drops one, or lets one do another thing. */
export const otherExpectation: Edit = (set, { random, valuesOf, number }) => {
  const source = random.pick(set.sources);
  const { expectations = [] } = source;
  const first = expectations[0];
  const made = (list: readonly RowExpectationSpec[]) =>
    withSource(set, { ...source, expectations: list.length === 0 ? undefined : list });
  if (first !== undefined && random.chance(0.3)) return made(expectations.slice(1));
  if (first !== undefined && random.chance(0.3)) {
    const onViolation = first.onViolation === "flag" ? "quarantine" : "flag";
    return made([{ ...first, onViolation }, ...expectations.slice(1)]);
  }
  const columns = source.columns.filter(
    ({ name, type }) => /_\d/.test(name) && !name.startsWith("account_") && type !== "json",
  );
  if (columns.length === 0) return null;
  const column = random.pick(columns);
  const values = valuesOf(source, column.name).filter((value) => value !== null);
  if (values.length === 0) return null;
  const condition = comparedColumn(
    random.pick(["ne", "ne", "lte", "gt"]),
    column,
    random.pick(values),
  );
  const name = `expected_${number}`;
  return made([...expectations, { name, condition, onViolation: "quarantine" }]);
};
