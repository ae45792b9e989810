/** The connectors that bring the changes, with the state of each task. */
import type { ConnectorState } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";

/** A connector or one of its tasks. */
interface ConnectorRow {
  readonly name: string;
  /** null: it could not be asked. */
  readonly state: string | null;
  readonly worker: string | null;
  readonly text: string | null;
}

const TONES: Readonly<Record<string, Tone>> = { RUNNING: "good", PAUSED: "warn", FAILED: "bad" };

/** Shows nothing where the server has no connectors. */
export function Connectors(): preact.JSX.Element | null {
  const asked = useAnswer<readonly ConnectorState[]>("v1/connectors", { every: 10_000 });
  if (asked.error === undefined && (asked.data ?? []).length === 0) return null;
  return (
    <Card title="Connectors">
      <Loaded asked={asked}>
        {(connectors) => (
          <DataTable
            label="Connectors"
            rows={connectors.flatMap(rowsOf)}
            columns={[
              { title: "Name", cell: ({ name }) => name },
              {
                title: "State",
                cell: ({ state }) =>
                  state === null ? (
                    <Badge tone="bad">not known</Badge>
                  ) : (
                    <Badge tone={TONES[state] ?? "plain"}>{state}</Badge>
                  ),
              },
              { title: "Worker", cell: ({ worker }) => worker ?? "" },
              { title: "Reason", cell: ({ text }) => text ?? "" },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function rowsOf(connector: ConnectorState): readonly ConnectorRow[] {
  const { name, state, worker, reason, tasks, error } = connector;
  return [
    { name, state, worker, text: error ?? reason ?? (tasks.length === 0 ? "no tasks" : null) },
    ...tasks.map((task) => ({
      name: `${name}, task ${task.id}`,
      state: task.state,
      worker: task.worker,
      text: task.reason,
    })),
  ];
}
