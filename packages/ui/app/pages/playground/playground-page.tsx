/** Asks a service or a view, and gives the request as code. */
import { useState } from "preact/hooks";
import type { LineageJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import {
  EntityFields,
  entityOf,
  hasKeys,
  keyQuery,
  keyTextsOf,
  textsOfKeys,
} from "../../parts/entity-form.tsx";
import { Form, SelectField, TextField } from "../../parts/field.tsx";
import type { JsonValue } from "../../parts/json-value.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { RequestCode } from "../../parts/request-code.tsx";
import { shortTime, valueText } from "../../parts/texts.ts";
import { explainHref, featureHref } from "../../routing/feature-links.ts";
import { goOrAgain, hrefOf, type Route } from "../../routing/router.ts";
import { useDefinitions } from "../../shell/definitions-context.ts";

const timeText = (time: string | null): string => (time === null ? "" : shortTime(time));

interface AnswerJson {
  readonly asOf: string;
  readonly rows: readonly Readonly<Record<string, AnsweredValue>>[];
}
interface AnsweredValue {
  readonly value: JsonValue;
  readonly status: string;
  readonly eventTime: string | null;
}

export function PlaygroundPage({ route }: { readonly route: Route }): preact.JSX.Element {
  const { services, views, derivedViews } = useDefinitions();
  const all = [
    ...services.map((one) => ({ ...one, kind: "service" as const })),
    ...[...views, ...derivedViews].map((one) => ({ ...one, kind: "view" as const })),
  ];
  const { query } = route;
  const asked = all.find(({ name }) => name === query.get("service")) ?? all[0];
  const [chosen, setChosen] = useState(asked?.name ?? "");
  const [texts, setTexts] = useState(keyTextsOf(query));
  const [asOf, setAsOf] = useState(query.get("asOf") ?? "");
  const form = all.find(({ name }) => name === chosen);
  const askedTexts = keyTextsOf(query);
  const isAsked = asked !== undefined && query.has("service") && hasKeys(asked.keys, askedTexts);
  const body = {
    entities: [entityOf(asked?.keys ?? [], askedTexts)],
    ...(query.get("asOf") ? { asOf: query.get("asOf") } : {}),
  };
  const path = asked === undefined ? "" : `v1/${asked.kind}s/${asked.name}/features`;
  const lineage = useAnswer<LineageJson>("v1/lineage");
  const answer = useAnswer<AnswerJson>(isAsked ? path : null, {
    body: { ...body, metadata: true, onMissing: "null" },
  });
  const referenceOf = (name: string): string | undefined =>
    asked?.features.find((one) => one.name === name)?.feature;
  const explained = (feature: string): string =>
    explainHref(feature, {
      ...keyQuery(askedTexts),
      asOf: answer.data?.asOf,
      knowledge: "as-known",
      from: "history",
    });
  return (
    <>
      <h1>Playground</h1>
      <p>Ask a service as an application does.</p>
      <Form
        button="Ask"
        onSubmit={() => {
          const keys = keyQuery(textsOfKeys(form?.keys ?? [], texts));
          goOrAgain(
            hrefOf(["playground"], { service: chosen, ...keys, asOf: asOf.trim() }),
            answer.again,
          );
        }}
      >
        <SelectField
          label="Service or view"
          value={chosen}
          onValue={setChosen}
          options={all.map(({ name, kind }) => [name, `${kind} ${name}`])}
        />
        <EntityFields keys={form?.keys ?? []} texts={texts} onTexts={setTexts} />
        <TextField
          label="Time (empty: now)"
          value={asOf}
          onValue={setAsOf}
          hint="2025-06-14T12:00:00Z"
        />
      </Form>
      <Loaded asked={answer}>
        {({ asOf: at, rows: [row = {}] }) => (
          <Card title={`Answer as of ${at}`}>
            <DataTable
              label="Answer"
              rows={Object.entries(row)}
              columns={[
                {
                  title: "Feature",
                  cell: ([name]) => {
                    const feature = referenceOf(name);
                    return feature === undefined ? name : <a href={featureHref(feature)}>{name}</a>;
                  },
                },
                {
                  title: "Value",
                  cell: ([, { value }]) => <b class="exact">{valueText(value)}</b>,
                },
                { title: "Status", cell: ([, { status }]) => status },
                { title: "Event time", cell: ([, { eventTime }]) => timeText(eventTime) },
                {
                  title: "Why?",
                  cell: ([name]) => {
                    const feature = referenceOf(name);
                    return feature === undefined ? null : (
                      <a href={explained(feature)} aria-label={`Explain ${name}`}>
                        Explain
                      </a>
                    );
                  },
                },
              ]}
            />
          </Card>
        )}
      </Loaded>
      {asked === undefined ? null : (
        <RequestCode
          name={asked.name}
          kind={asked.kind}
          keys={asked.keys}
          body={body}
          lineage={lineage.data}
        />
      )}
    </>
  );
}
