/** Values that differ, each with a link to its explanation. */
import type { SkewReport } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { keyQuery } from "../../parts/entity-form.tsx";
import { countText, rowText } from "../../parts/texts.ts";
import { explainHref } from "../../routing/feature-links.ts";

type SkewExample = SkewReport["examples"][number];

export function SkewExamples({
  examples,
}: {
  readonly examples: readonly SkewExample[];
}): preact.JSX.Element {
  return (
    <DataTable
      label="Values that differ"
      rows={examples}
      empty="No value differs."
      columns={[
        {
          title: "Kind",
          cell: ({ kind }) => <Badge tone={kind === "wrong" ? "bad" : "warn"}>{kind}</Badge>,
        },
        { title: "Feature", cell: ({ feature }) => feature },
        { title: "Entity", cell: ({ entity }) => rowText(entity) },
        { title: "As of", cell: ({ asOf }) => asOf },
        { title: "Served", cell: ({ logged }) => <span class="exact">{logged.value}</span> },
        {
          title: "As known",
          cell: ({ recomputed }) => <span class="exact">{recomputed.value}</span>,
        },
        { title: "Bits", isNumber: true, cell: ({ bits }) => countText(bits) },
        {
          title: "Why?",
          cell: (example) => (
            <a href={explainedBy(example)} aria-label={`Explain ${example.feature}`}>
              Explain
            </a>
          ),
        },
      ]}
    />
  );
}

function explainedBy({ feature, entity, asOf }: SkewExample): string {
  return explainHref(feature, {
    ...keyQuery(entity),
    asOf,
    knowledge: "as-known",
    from: "history",
  });
}
