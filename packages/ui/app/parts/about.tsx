/** What a definition says of itself: description, owner, tags, deprecation, sensitivity. */
import type { Metadata } from "../api/types.ts";
import { Badge } from "./badge.tsx";

export function About({
  metadata,
}: {
  readonly metadata: Metadata | undefined;
}): preact.JSX.Element {
  const { description, owner, tags = [], unit, sensitivity } = metadata ?? {};
  return (
    <>
      {description === undefined ? null : <p>{description}</p>}
      <p class="badges">
        {owner === undefined ? <Badge>no owner</Badge> : <Badge>owner: {owner}</Badge>}
        {unit === undefined ? null : <Badge>unit: {unit}</Badge>}
        {sensitivity === "pii" ? <Badge tone="warn">personal</Badge> : null}
        {tags.map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
      </p>
      <Deprecated metadata={metadata} />
    </>
  );
}

/** Says that a definition is deprecated, until when it is answered, and what takes its place. */
function Deprecated({
  metadata,
}: {
  readonly metadata: Metadata | undefined;
}): preact.JSX.Element | null {
  const { deprecated } = metadata ?? {};
  if (deprecated === undefined) return null;
  const { reason, replacedBy, until } = deprecated;
  return (
    <p class="deprecated">
      <Badge tone="warn">deprecated</Badge>{" "}
      {[
        reason,
        replacedBy === undefined ? undefined : `use ${replacedBy}`,
        until === undefined ? undefined : `answered until ${until}`,
      ]
        .filter((text) => text !== undefined)
        .join("; ")}
    </p>
  );
}
