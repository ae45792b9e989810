/** One source, entity, view or service. */
import type { ColumnJson, FeatureJson } from "../../api/types.ts";
import { About } from "../../parts/about.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { featureHref } from "../../routing/feature-links.ts";
import { hrefOf } from "../../routing/router.ts";
import { useDefinitions } from "../../shell/definitions-context.ts";

export function OneDefinition({
  kind,
  name,
}: {
  readonly kind: string;
  readonly name: string;
}): preact.JSX.Element {
  const { services, views, derivedViews, entities, sources } = useDefinitions();
  const heading = (
    <>
      <p class="crumbs">
        <a href={hrefOf(["definitions"])}>Catalogue</a> / {kind}
      </p>
      <h1>{name}</h1>
    </>
  );
  if (kind === "service") {
    const service = services.find((one) => one.name === name);
    if (service !== undefined)
      return (
        <>
          {heading}
          <About metadata={service.metadata} />
          <p>
            <a href={hrefOf(["playground"], { service: name })}>Ask it</a> ·{" "}
            <a href={hrefOf(["time"], { service: name })}>See it move</a>
          </p>
          <Keys keys={service.keys} />
          <Features features={service.features} />
        </>
      );
  }
  if (kind === "view") {
    const stored = views.find((one) => one.name === name);
    const view = stored ?? derivedViews.find((one) => one.name === name);
    if (view !== undefined)
      return (
        <>
          {heading}
          <About metadata={view.metadata} />
          {stored !== undefined ? (
            <p>
              Of entity{" "}
              <a href={hrefOf(["definitions", "entity", stored.entity])}>{stored.entity}</a>, from
              source <a href={hrefOf(["definitions", "source", stored.source])}>{stored.source}</a>
              {(stored.through ?? []).map((one) => (
                <span key={one.name}>
                  , through <a href={hrefOf(["definitions", "source", one.name])}>{one.name}</a>
                </span>
              ))}
              . Kind: {stored.kind}.
            </p>
          ) : (
            <p>Computed from features of other views when it is asked for.</p>
          )}
          <Keys keys={view.keys} />
          <Features features={view.features} />
        </>
      );
  }
  if (kind === "entity") {
    const entity = entities.find((one) => one.name === name);
    if (entity !== undefined)
      return (
        <>
          {heading}
          <About metadata={entity.metadata} />
          <Keys keys={entity.keys} />
          <Card title="Views">
            <ul>
              {views
                .filter((view) => view.entity === name)
                .map((view) => (
                  <li key={view.name}>
                    <a href={hrefOf(["definitions", "view", view.name])}>{view.name}</a>
                  </li>
                ))}
            </ul>
          </Card>
        </>
      );
  }
  if (kind === "source") {
    const source = sources.find((one) => one.name === name);
    if (source !== undefined)
      return (
        <>
          {heading}
          <About metadata={source.metadata} />
          <p>
            {source.pushed ? "Rows are pushed." : "Rows come from a change log."} Primary key:{" "}
            {source.primaryKey.join(", ")}. Event time: {source.eventTime ?? "none"}.{" "}
            <a href={hrefOf(["sources", name])}>Its state</a>
          </p>
          <Columns title="Columns" columns={source.columns} />
        </>
      );
  }
  return (
    <>
      {heading}
      <p>There is no {kind} of this name.</p>
    </>
  );
}

function Keys({ keys }: { readonly keys: readonly ColumnJson[] }): preact.JSX.Element {
  return <Columns title="Keys" columns={keys} />;
}

function Columns({
  title,
  columns,
}: {
  readonly title: string;
  readonly columns: readonly ColumnJson[];
}): preact.JSX.Element {
  return (
    <Card title={title}>
      <DataTable
        label={title}
        rows={columns}
        columns={[
          { title: "Name", cell: ({ name }) => <code>{name}</code> },
          { title: "Type", cell: typeText },
          {
            title: "About",
            cell: ({ metadata }) => (
              <>
                {metadata?.description ?? ""}{" "}
                {metadata?.sensitivity === "pii" ? <Badge tone="warn">personal</Badge> : null}
              </>
            ),
          },
        ]}
      />
    </Card>
  );
}

function Features({ features }: { readonly features: readonly FeatureJson[] }): preact.JSX.Element {
  return (
    <Card title={`${features.length} features`}>
      <DataTable
        label="Features"
        rows={features}
        columns={[
          { title: "Name", cell: ({ name, feature }) => <a href={featureHref(feature)}>{name}</a> },
          { title: "Type", cell: typeText },
          { title: "What it is", cell: ({ description }) => <code>{description}</code> },
          { title: "About", cell: ({ metadata }) => metadata?.description ?? "" },
        ]}
      />
    </Card>
  );
}

/** Writes a value type: `decimal(12, 2), may be null`. */
export function typeText({ type, precision, scale, nullable }: ColumnJson): string {
  const full = precision === undefined ? type : `${type}(${precision}, ${scale ?? 0})`;
  return nullable ? `${full}, may be null` : full;
}
