/** The versions of a row: when each was known, and its place in the log. */
import type { ExplainedRow } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { rowText, shortTime } from "../../parts/texts.ts";

export function RowVersions({ row }: { readonly row: ExplainedRow }): preact.JSX.Element {
  return (
    <details>
      <summary>
        {row.versions.length} {row.versions.length === 1 ? "version" : "versions"}
      </summary>
      <ul>
        {row.versions.map((version, i) => (
          <li key={i}>
            {version.isSeen ? <Badge tone="good">decides</Badge> : null}{" "}
            {version.change === "row" ? "" : `${version.change} `}
            known from {version.knownFrom === null ? "never" : shortTime(version.knownFrom)} to{" "}
            {version.knownTo === null ? "now" : shortTime(version.knownTo)}
            <br />
            <small>
              {version.topic === null
                ? "no place in the log"
                : `topic ${version.topic}, partition ${version.partition}, ` +
                  `offset ${version.offset}`}
              , order {version.order}, committed {shortTime(version.committed)}
              {version.transaction === null ? "" : `, transaction ${version.transaction}`}
              {version.quarantine === null ? "" : `, quarantined: ${version.quarantine}`}
            </small>
            {version.row === null ? null : (
              <div class="exact">
                <code>{rowText(version.row)}</code>
              </div>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
