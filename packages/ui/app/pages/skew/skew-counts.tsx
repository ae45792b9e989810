/** How many values of a check of skew differ, in all and by feature. */
import type { SkewReport } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { countText } from "../../parts/texts.ts";
import { featureHref } from "../../routing/feature-links.ts";

type FeatureSkew = SkewReport["features"][number];

/** What may explain a difference. */
const EXPLAINED = [
  ["late", "changes came after the answer"],
  ["early", "changes were committed after the answer, and served"],
  ["behind", "the online store had not taken all changes"],
  ["erased", "an entity was erased since"],
] as const;

export function SkewTotals({ report }: { readonly report: SkewReport }): preact.JSX.Element {
  const { answers, compared, wrong, otherDefinition, notInHistory, unanswered } = report;
  return (
    <>
      <p class="badges">
        <Badge tone={wrong.values === 0 ? "good" : "bad"}>
          {countText(wrong.values)} wrong values, {countText(wrong.bits)} bits
        </Badge>
        <Badge>{countText(answers)} answers</Badge>
        <Badge>{countText(compared)} values compared</Badge>
      </p>
      <ul>
        {EXPLAINED.map(([kind, why]) => (
          <li key={kind}>
            {countText(report[kind].values)} {kind}: {why}
          </li>
        ))}
        <li>
          Not compared: {countText(otherDefinition)} of another definition,{" "}
          {countText(notInHistory)} not in the history yet, {countText(unanswered)} not answered
        </li>
      </ul>
    </>
  );
}

export function SkewOfFeatures({
  features,
}: {
  readonly features: readonly FeatureSkew[];
}): preact.JSX.Element {
  return (
    <DataTable
      label="Skew by feature"
      rows={features}
      empty="The serving log has no answer of this time."
      columns={[
        { title: "Feature", cell: ({ feature }) => <a href={featureHref(feature)}>{feature}</a> },
        { title: "Compared", isNumber: true, cell: ({ compared }) => countText(compared) },
        {
          title: "Wrong",
          isNumber: true,
          cell: ({ wrong: { values } }) =>
            values === 0 ? "0" : <Badge tone="bad">{countText(values)}</Badge>,
        },
        { title: "Bits", isNumber: true, cell: ({ wrong }) => countText(wrong.bits) },
        ...EXPLAINED.map(([kind]) => ({
          title: `${kind[0]!.toUpperCase()}${kind.slice(1)}`,
          isNumber: true,
          cell: (one: FeatureSkew) => countText(one[kind].values),
        })),
      ]}
    />
  );
}
