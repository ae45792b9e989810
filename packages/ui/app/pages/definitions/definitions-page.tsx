/** Sources, entities, views and services, with search; and one of them in detail. */
import { useState } from "preact/hooks";
import type { DefinitionsJson, Metadata } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { TextField } from "../../parts/field.tsx";
import { servicesOf } from "../../parts/find-feature.ts";
import { matches } from "../../parts/matches.ts";
import { featureHref } from "../../routing/feature-links.ts";
import { hrefOf, type Route } from "../../routing/router.ts";
import { useDefinitions } from "../../shell/definitions-context.ts";
import { OneDefinition } from "./one-definition.tsx";

export function DefinitionsPage({ route }: { readonly route: Route }): preact.JSX.Element {
  const definitions = useDefinitions();
  const [, kind, name] = route.path;
  if (kind !== undefined && name !== undefined) return <OneDefinition kind={kind} name={name} />;
  return <AllDefinitions definitions={definitions} />;
}

interface Listed {
  readonly kind: string;
  readonly name: string;
  readonly href: string;
  readonly type: string;
  /** What a feature computes, with its window. */
  readonly computes?: string;
  readonly usedBy: readonly string[];
  readonly metadata: Metadata | undefined;
}

/** Lists every definition, and every feature of a view. */
function listedOf(definitions: DefinitionsJson): readonly Listed[] {
  const { services, views, derivedViews, entities, sources } = definitions;
  const at = (kind: string, name: string): string => hrefOf(["definitions", kind, name]);
  const servicesWith = (prefix: string): readonly string[] =>
    services
      .filter(({ features }) => features.some(({ feature }) => feature.startsWith(prefix)))
      .map((one) => one.name);
  return [
    ...services.map(({ name, features, metadata }) => ({
      kind: "service",
      name,
      href: at("service", name),
      type: `${features.length} features`,
      usedBy: [],
      metadata,
    })),
    ...[...views, ...derivedViews].map((view) => ({
      kind: "view",
      name: view.name,
      href: at("view", view.name),
      type: `${view.features.length} features`,
      usedBy: servicesWith(`${view.name}:`),
      metadata: view.metadata,
    })),
    ...[...views, ...derivedViews].flatMap((view) =>
      view.features.map((feature) => ({
        kind: "feature",
        name: feature.feature,
        href: featureHref(feature.feature),
        type: feature.type,
        computes: feature.description,
        usedBy: servicesOf(feature.feature, services),
        metadata: { ...view.metadata, ...feature.metadata },
      })),
    ),
    ...sources.map(({ name, pushed, metadata }) => ({
      kind: "source",
      name,
      href: at("source", name),
      type: pushed ? "pushed" : "from a log",
      usedBy: views.filter(({ source }) => source === name).map((one) => one.name),
      metadata,
    })),
    ...entities.map(({ name, keys, metadata }) => ({
      kind: "entity",
      name,
      href: at("entity", name),
      type: keys.map((key) => key.name).join(", "),
      usedBy: views.filter(({ entity }) => entity === name).map((one) => one.name),
      metadata,
    })),
  ];
}

function AllDefinitions({
  definitions,
}: {
  readonly definitions: DefinitionsJson;
}): preact.JSX.Element {
  const [search, setSearch] = useState("");
  const found = listedOf(definitions).filter(({ kind, name, type, computes, metadata }) =>
    matches(
      [
        kind,
        name,
        type,
        computes,
        metadata?.owner,
        metadata?.description,
        ...(metadata?.tags ?? []),
      ].join(" "),
      search,
    ),
  );
  return (
    <>
      <h1>Catalogue</h1>
      <div class="form">
        <TextField
          label="Search names, owners, tags and descriptions"
          isSearch
          value={search}
          onValue={setSearch}
        />
      </div>
      <Card title={`${found.length} definitions`}>
        <DataTable
          label="Definitions"
          rows={found}
          empty="Nothing has these words."
          columns={[
            { title: "Kind", cell: ({ kind }) => kind },
            {
              title: "Name",
              cell: ({ name, href, metadata }) => (
                <>
                  <a href={href}>{name}</a>{" "}
                  {metadata?.deprecated === undefined ? null : (
                    <Badge tone="warn">deprecated</Badge>
                  )}
                </>
              ),
            },
            { title: "Type", cell: ({ type }) => type },
            {
              title: "Computes",
              cell: ({ computes }) => (computes === undefined ? "" : <code>{computes}</code>),
            },
            { title: "Owner", cell: ({ metadata }) => metadata?.owner ?? "" },
            { title: "Tags", cell: ({ metadata }) => (metadata?.tags ?? []).join(", ") },
            { title: "Used by", cell: ({ usedBy }) => usedBy.join(", ") },
            { title: "About", cell: ({ metadata }) => metadata?.description ?? "" },
          ]}
        />
      </Card>
    </>
  );
}
