/** An explanation: the number, the functions above it, and each part with its rows. */
import type { ComponentChildren } from "preact";
import type { Explanation } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { rowText, valueText } from "../../parts/texts.ts";
import { ExplainedPart } from "./explained-part.tsx";

export function ExplainedAnswer({
  explanation,
  action,
}: {
  readonly explanation: Explanation;
  readonly action: ComponentChildren;
}): preact.JSX.Element {
  const { feature, entity, asOf, value, status, other, steps, parts, plan } = explanation;
  return (
    <>
      <Card title={`${feature} of ${rowText(entity)}`} action={action}>
        <p class="figure-number exact" data-testid="value">
          {valueText(value)}
        </p>
        <p class="badges">
          <Badge tone={status === "PRESENT" ? "good" : "plain"}>{status}</Badge>
          <Badge tone={explanation.isReproduced ? "good" : "bad"}>
            {explanation.isReproduced
              ? "these rows give the same bits"
              : "these rows give other bits"}
          </Badge>
          <Badge>at {asOf}</Badge>
          <Badge>
            {explanation.from === "online"
              ? "from the online store"
              : `from the history, ${explanation.knowledge}`}
          </Badge>
        </p>
        {other === null ? (
          explanation.from === "online" ? null : (
            <p>It is the same as known and as corrected.</p>
          )
        ) : (
          <p>
            {other.knowledge === "as-corrected" ? "As corrected since" : "As known at that time"} it
            is <strong class="exact">{valueText(other.value)}</strong> ({other.status}): changes
            were committed after it was asked.
          </p>
        )}
        {steps.length === 0 ? null : (
          <>
            <h3>Computed from</h3>
            <DataTable
              label="Steps"
              rows={steps}
              columns={[
                { title: "Name", cell: ({ name }) => <code>{name}</code> },
                { title: "Function", cell: ({ expression }) => <code>{expression}</code> },
                { title: "Value", cell: ({ value: own }) => <b class="exact">{valueText(own)}</b> },
                { title: "Status", cell: (step) => step.status },
              ]}
            />
          </>
        )}
        <details>
          <summary>The plan in words</summary>
          <pre tabIndex={0} aria-label="The plan in words">
            {plan}
          </pre>
        </details>
      </Card>
      {parts.map((part) => (
        <ExplainedPart key={part.name} part={part} asOf={asOf} />
      ))}
    </>
  );
}
