/** The events of a plan: those of one table, or of the table of each part of a union. */
import type { HistoryContext } from "./history-context.ts";
import type { EventsQuery } from "./events-query.ts";
import type { Overflows } from "../columns/overflows.ts";
import { sourceReadings } from "../define/source-readings.ts";
import type { InputNode, ProjectNode, ScanNode } from "../plan/nodes.ts";
import type { ViewSpec } from "../specs.ts";
import type { Events } from "../spi.ts";
import { projectedEvents } from "../window/union-rows.ts";
import { versionEvents, type HistoryState } from "./version-events.ts";

/** What a plan reads of one table of the history. */
export interface TableReading {
  readonly context: HistoryContext;
  /** null: the table has no history. */
  readonly state: HistoryState | null;
  /** The view, as it reads this table. */
  readonly view: ViewSpec;
  readonly scan: ScanNode;
  /** Makes events of the union. null: the view reads one table. */
  readonly project: ProjectNode | null;
}

/** What a view reads of each table, without the state of its history. */
export function readingsOfInput(
  view: ViewSpec,
  input: InputNode,
): readonly Pick<TableReading, "view" | "scan" | "project">[] {
  return sourceReadings(view).map((reading, i) => {
    if (input.node === "scan") return { view: reading, scan: input, project: null };
    const project = input.inputs[i]!.input;
    return { view: reading, scan: project.input, project };
  });
}

/** Yields the events of the tables, one table after the other. `overflows`: of the projections. */
export async function* readingEvents(
  tables: readonly TableReading[],
  query: Omit<EventsQuery, "columns" | "keyColumns">,
  overflows: Overflows,
): AsyncIterable<Events> {
  for (const { context, state, view, scan, project } of tables) {
    if (state === null) continue;
    const events = versionEvents(context, state, {
      ...query,
      columns: scan.columns,
      keyColumns: view.keyColumns,
    });
    if (project === null) yield* events;
    else for await (const batch of events) yield projectedEvents(project, batch, overflows);
  }
}
