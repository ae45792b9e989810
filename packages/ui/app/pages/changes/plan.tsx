/** What an apply of this process's definitions would change, and whom it touches. */
import type { RegistryPlan } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { countText, secondsText } from "../../parts/texts.ts";

const TONES = { added: "good", changed: "warn", renamed: "warn", removed: "bad" } as const;

export function Plan({ plan }: { readonly plan: RegistryPlan }): preact.JSX.Element {
  const { changes, applied, runtime, metadata, lowered, work, materialized } = plan;
  const owners = [...new Set(changes.flatMap((change) => change.owners))].sort();
  const users = [...new Set(changes.flatMap(({ usedBy }) => usedBy))].sort();
  return (
    <>
      <p class="badges">
        {changes.length + metadata.length + runtime.length === 0 ? (
          <Badge tone="good">applied</Badge>
        ) : (
          <Badge tone="warn">{changes.length} changes</Badge>
        )}
        {owners.map((owner) => (
          <Badge key={owner}>touches {owner}</Badge>
        ))}
        {users.map((user) => (
          <Badge key={user}>used by {user}</Badge>
        ))}
      </p>
      <p>
        {applied === null
          ? "Nothing was applied yet."
          : `Version ${applied.version}, applied by ${applied.by} at ${applied.at}.`}{" "}
        <code>tidemark apply</code> applies the definitions.
      </p>
      <DataTable
        label="Changes that are not applied"
        rows={changes}
        empty="The definitions are those that were applied."
        columns={[
          {
            title: "Change",
            cell: ({ action, kind, name }) => (
              <>
                <Badge tone={TONES[action]}>{action}</Badge> {kind} {name}
              </>
            ),
          },
          {
            title: "What",
            cell: ({ details, consequences, destructive }) => (
              <>
                {destructive === null ? null : (
                  <div>
                    <Badge tone="bad">destructive</Badge> {destructive}
                  </div>
                )}
                {[...details, ...consequences].map((text) => (
                  <div key={text}>{text}</div>
                ))}
              </>
            ),
          },
          { title: "Used by", cell: ({ usedBy }) => usedBy.join(", ") },
          { title: "Owners", cell: ({ owners }) => owners.join(", ") },
          { title: "Served", cell: ({ serving }) => servedText(serving) },
        ]}
      />
      {work.length + metadata.length + lowered.length + materialized.length + runtime.length ===
      0 ? null : (
        <ul>
          {work.flatMap(({ source, rewrite, backfill }) => [
            ...(rewrite === null ? [] : [workItem("rewrite the history", source, rewrite)]),
            ...(backfill === null ? [] : [workItem("backfill", source, backfill)]),
          ])}
          {materialized.map(({ view, days, command }) => (
            <li key={`materialized ${view}`}>
              {countText(days)} materialized days of {view} are of another definition:{" "}
              <code>{command}</code>
            </li>
          ))}
          {metadata.map(({ kind, name, details }) => (
            <li key={`metadata ${kind} ${name}`}>
              metadata of {kind} {name}: {details.join("; ")}
            </li>
          ))}
          {lowered.map(({ feature, sensitivity, from, reads }) => (
            <li key={`lowered ${feature}`}>
              {feature} says {sensitivity}, and reads {from} data: {reads.join(", ")}
            </li>
          ))}
          {runtime.length === 0 ? null : (
            <li>Time zones or letter case of this runtime differ from the applied ones.</li>
          )}
        </ul>
      )}
    </>
  );
}

function servedText(serving: RegistryPlan["changes"][number]["serving"]): string {
  if (serving === null) return "";
  return serving.why === null ? serving.kind : `${serving.kind}: ${serving.why}`;
}

function workItem(
  what: string,
  source: string,
  { rows, seconds }: { readonly rows: number; readonly seconds: number },
): preact.JSX.Element {
  return (
    <li key={`${what} ${source}`}>
      {what} of {source}: {countText(rows)} changes, about {secondsText(seconds)}
    </li>
  );
}
