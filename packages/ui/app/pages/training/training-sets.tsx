/** The training sets that this caller asked the server for, and how far each is. */
import type { TrainingSetsJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Ago } from "../../parts/ago.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { countText } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

type TrainingSet = TrainingSetsJson["trainingSets"][number];
const TONES = { running: "plain", done: "good", failed: "bad" } as const;

export function TrainingSets(): preact.JSX.Element {
  const asked = useAnswer<TrainingSetsJson>("v1/training-set", { every: 2000 });
  if (asked.error?.code === "ROUTE_UNKNOWN")
    return (
      <Card title="Training sets">
        <p class="hint">This server computes no training sets.</p>
      </Card>
    );
  return (
    <Card title="Training sets">
      <Loaded asked={asked}>
        {({ trainingSets }) => (
          <DataTable
            label="Training sets"
            rows={trainingSets}
            empty="You have asked for no training set, or none is kept any more."
            columns={[
              { title: "Asked", cell: ({ created }) => <Ago time={created} /> },
              {
                title: "State",
                cell: ({ state, error, warnings }) => (
                  <>
                    <Badge tone={TONES[state]}>{state}</Badge>
                    {error === null ? null : (
                      <div>
                        <strong>{error.code}</strong> {error.message}
                      </div>
                    )}
                    {warnings.map((warning) => (
                      <div key={warning}>{warning}</div>
                    ))}
                  </>
                ),
              },
              { title: "Rows", cell: (one) => <Progress of={one} /> },
              { title: "Knowledge", cell: ({ knowledge }) => knowledge },
              {
                title: "Features",
                cell: ({ features }) => (
                  <details>
                    <summary>{countText(features.length)} columns</summary>
                    {features.join(", ")}
                  </details>
                ),
              },
              {
                title: "Columns",
                cell: ({ id, state }) =>
                  state === "done" ? (
                    <a href={hrefOf(["training"], { set: id })} aria-label={`Null rates of ${id}`}>
                      Null rates
                    </a>
                  ) : null,
              },
              {
                title: "Kept",
                cell: ({ expires }) =>
                  expires === null ? null : (
                    <>
                      expires <Ago time={expires} />
                    </>
                  ),
              },
              { title: "Id", cell: ({ id }) => <code>{id}</code> },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Progress({
  of: { id, state, done, rows },
}: {
  readonly of: TrainingSet;
}): preact.JSX.Element {
  const text = rows === null ? countText(done) : `${countText(done)} of ${countText(rows)}`;
  if (state !== "running" || rows === null) return <>{text}</>;
  return (
    <>
      <progress aria-label={`Progress of ${id}`} value={done} max={Math.max(rows, 1)} /> {text}
    </>
  );
}
