/** Who applied which definitions, when, and from where. */
import type { AppliedVersion } from "../../api/types.ts";
import { Ago } from "../../parts/ago.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { countText } from "../../parts/texts.ts";

export function Applies({
  applies,
}: {
  readonly applies: readonly AppliedVersion[];
}): preact.JSX.Element {
  return (
    <DataTable
      label="Applies"
      rows={applies}
      empty="Nothing was applied yet."
      columns={[
        { title: "Version", cell: ({ version }) => version },
        { title: "When", cell: ({ at }) => <Ago time={at} /> },
        { title: "By", cell: ({ by }) => by },
        { title: "From", cell: ({ from }) => from ?? "" },
        {
          title: "What",
          cell: ({ changes, omitted }) =>
            changes === null ? (
              "not kept"
            ) : (
              <details>
                <summary>{countText(changes.length + omitted)} changes</summary>
                <ul>
                  {changes.map(({ action, kind, name, details }) => (
                    <li key={`${kind} ${name}`}>
                      {action} {kind} {name}
                      {details.length === 0 ? "" : `: ${details.join("; ")}`}
                    </li>
                  ))}
                  {omitted === 0 ? null : <li>and {countText(omitted)} more</li>}
                </ul>
              </details>
            ),
        },
      ]}
    />
  );
}
