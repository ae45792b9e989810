/** One feature: what it is, who owns it, its profile and drift, and how to ask for it. */
import type { AppliedVersion, LineageJson, ProfileReport } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { About } from "../../parts/about.tsx";
import { Card } from "../../parts/card.tsx";
import { Code } from "../../parts/code.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { findFeature, type FoundFeature } from "../../parts/find-feature.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { RequestCode } from "../../parts/request-code.tsx";
import { hrefOf, type Route } from "../../routing/router.ts";
import { useDefinitions } from "../../shell/definitions-context.ts";
import { typeText } from "../definitions/one-definition.tsx";
import { DriftOverTime } from "./drift-over-time.tsx";
import { FeatureProfile } from "./feature-profile.tsx";
import { NullRateByDay } from "./null-rate-by-day.tsx";
import { WindowInWords } from "./window-in-words.tsx";

export function FeaturePage({ route }: { readonly route: Route }): preact.JSX.Element {
  const definitions = useDefinitions();
  const [, viewName, name] = route.path;
  const found = findFeature(definitions, viewName, name);
  if (found === null)
    return (
      <>
        <h1>Feature</h1>
        <p>
          There is no feature {viewName}:{name}. See the{" "}
          <a href={hrefOf(["definitions"])}>catalogue</a>.
        </p>
      </>
    );
  return <OneFeature key={`${found.view}:${found.name}`} found={found} />;
}

/** The definition as TypeScript; in words where it has no such form. */
function DefinitionText({
  code,
  description,
}: {
  readonly code: string | null;
  readonly description: string;
}): preact.JSX.Element {
  return code === null ? (
    <pre tabIndex={0} aria-label="Definition">
      {description}
    </pre>
  ) : (
    <Code title="Definition in TypeScript" text={code} />
  );
}

function OneFeature({ found }: { readonly found: FoundFeature }): preact.JSX.Element {
  const { view, name, feature, services, source, entity, viewMetadata } = found;
  const lineage = useAnswer<LineageJson>("v1/lineage").data;
  const origin = lineage?.features.find((one) => one.feature === feature.feature);
  const profile = useAnswer<ProfileReport>(source === null ? null : "v1/profile", {
    body: { view, columns: [name] },
  });
  const applies = useAnswer<readonly AppliedVersion[]>("v1/applies");
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["definitions"])}>Catalogue</a> /{" "}
        <a href={hrefOf(["definitions", "view", view])}>{view}</a>
      </p>
      <h1>{name}</h1>
      <About metadata={{ ...viewMetadata, ...feature.metadata }} />
      <p class="tabs">
        <a href={hrefOf(["explain", view, name])}>Explain a value</a>
        <a href={hrefOf(["time"], { service: view })}>Time machine</a>
        <a href={hrefOf(["graph"], { focus: `view ${view}` })}>Graph</a>
      </p>
      <Card title="Definition">
        <DefinitionText code={origin?.code ?? null} description={feature.description} />
        <WindowInWords windows={origin?.windows ?? []} />
        <p>
          Type: {typeText(feature)}.
          {source === null ? null : (
            <>
              {" "}
              Of entity <a href={hrefOf(["definitions", "entity", entity!])}>{entity}</a>, from
              source <a href={hrefOf(["definitions", "source", source])}>{source}</a>.
            </>
          )}
        </p>
        <p>
          Used by{" "}
          {services.length === 0
            ? "no service"
            : services.map((service, i) => (
                <span key={service}>
                  {i === 0 ? "" : ", "}
                  <a href={hrefOf(["definitions", "service", service])}>{service}</a>
                </span>
              ))}
          .
        </p>
      </Card>
      {source === null ? null : (
        <>
          <FeatureProfile view={view} name={name} asked={profile} />
          <Card title="Null rate and drift over time">
            <NullRateByDay name={name} asked={profile} />
            <DriftOverTime view={view} name={name} />
          </Card>
        </>
      )}
      <Card title="Applied changes">
        <Loaded asked={applies}>
          {(all) => (
            <DataTable
              label="Applied changes"
              rows={all.flatMap((apply) =>
                (apply.changes ?? [])
                  .filter((change) => [`${view}.${name}`, view].includes(change.name))
                  .map((change) => ({ ...apply, change })),
              )}
              empty="The registry has no apply of it."
              columns={[
                { title: "Version", isNumber: true, cell: ({ version }) => version },
                { title: "When", cell: ({ at }) => at },
                { title: "Who", cell: ({ by }) => by },
                {
                  title: "Change",
                  cell: ({ change }) =>
                    `${change.kind} ${change.name} ${change.action}` +
                    (change.details.length === 0 ? "" : `: ${change.details.join("; ")}`),
                },
              ]}
            />
          )}
        </Loaded>
      </Card>
      <RequestCode
        name={view}
        kind="view"
        feature={name}
        keys={found.keys}
        body={{ entities: [] }}
        lineage={lineage}
      />
    </>
  );
}
