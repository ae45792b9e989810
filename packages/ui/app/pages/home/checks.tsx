/** Expectations that fail and columns that drifted, when they were checked last. */
import type { CheckResults } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { numberText } from "../../parts/texts.ts";

export function Checks({ checks }: { readonly checks: CheckResults }): preact.JSX.Element {
  const failing = checks.expectations.filter(({ holds }) => !holds);
  const drifted = checks.drift.filter(({ isDrifted }) => isDrifted);
  if (checks.expectations.length + checks.drift.length === 0)
    return (
      <p class="hint">
        Nothing was checked yet. Run <code>tidemark quality</code> and <code>tidemark drift</code>.
      </p>
    );
  return (
    <>
      <p>
        <Badge tone={failing.length === 0 ? "good" : "bad"}>
          {failing.length} of {checks.expectations.length} expectations fail
        </Badge>{" "}
        <Badge tone={drifted.length === 0 ? "good" : "warn"}>
          {drifted.length} of {checks.drift.length} columns drifted
        </Badge>
      </p>
      <ul>
        {failing.map(({ quality, expectation, on }) => (
          <li key={quality + expectation + on}>
            {expectation} on {on}
          </li>
        ))}
        {drifted.slice(0, 5).map(({ of, column, measures }) => (
          <li key={of + column}>
            {of}, {column}
            {measures.psi === undefined ? "" : `: PSI ${numberText(measures.psi)}`}
          </li>
        ))}
        {drifted.length > 5 ? <li>and {drifted.length - 5} more</li> : null}
      </ul>
    </>
  );
}
