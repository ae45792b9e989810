/** Explains a number: an entity, a time, and the rows inside and just outside of the window. */
import { useState } from "preact/hooks";
import { askText } from "../../api/http.ts";
import type { Explanation } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { CopyButton } from "../../parts/code.tsx";
import {
  EntityFields,
  entityOf,
  hasKeys,
  keyQuery,
  keyTextsOf,
  textsOfKeys,
} from "../../parts/entity-form.tsx";
import { Form, SelectField, TextField } from "../../parts/field.tsx";
import { allFeatures, findFeature } from "../../parts/find-feature.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { explainHref } from "../../routing/feature-links.ts";
import { goOrAgain, type Route } from "../../routing/router.ts";
import { useDefinitions } from "../../shell/definitions-context.ts";
import { ExplainedAnswer } from "./explained-answer.tsx";

const KNOWLEDGE = [
  ["as-known", "as known at that time"],
  ["as-corrected", "as corrected since"],
] as const;
const FROM = [
  ["history", "the history"],
  ["online", "the online store"],
] as const;

export function ExplainPage({ route }: { readonly route: Route }): preact.JSX.Element {
  const definitions = useDefinitions();
  const features = allFeatures(definitions);
  const [, viewName, name] = route.path;
  const reference =
    viewName === undefined || name === undefined ? (features[0] ?? "") : `${viewName}:${name}`;
  const { query } = route;
  const [chosen, setChosen] = useState(reference);
  const [texts, setTexts] = useState(keyTextsOf(query));
  const [asOf, setAsOf] = useState(query.get("asOf") ?? "");
  const [knowledge, setKnowledge] = useState(query.get("knowledge") ?? "as-known");
  const [from, setFrom] = useState(query.get("from") ?? "history");
  const asked = findFeature(definitions, ...pair(reference));
  const formFeature = findFeature(definitions, ...pair(chosen));
  const askedTexts = keyTextsOf(query);
  const body =
    asked !== null && hasKeys(asked.keys, askedTexts)
      ? {
          feature: reference,
          entity: entityOf(asked.keys, askedTexts),
          ...(query.get("asOf") ? { asOf: query.get("asOf") } : {}),
          ...(query.get("from") === "online"
            ? { from: "online" }
            : { knowledge: query.get("knowledge") ?? "as-known" }),
        }
      : null;
  const answer = useAnswer<Explanation>(body === null ? null : "v1/explain", { body });
  return (
    <>
      <h1>Explain</h1>
      <p>Why is this number so? Give a feature, an entity and a time.</p>
      <Form
        button="Explain"
        onSubmit={() => {
          goOrAgain(
            explainHref(chosen, {
              ...keyQuery(textsOfKeys(formFeature?.keys ?? [], texts)),
              asOf: asOf.trim(),
              knowledge,
              from,
            }),
            answer.again,
          );
        }}
      >
        <SelectField
          label="Feature"
          value={chosen}
          onValue={setChosen}
          options={features.map((one) => [one, one])}
        />
        <EntityFields keys={formFeature?.keys ?? []} texts={texts} onTexts={setTexts} />
        <TextField
          label="Time (empty: now)"
          value={asOf}
          onValue={setAsOf}
          hint="2025-06-14T12:00:00Z"
        />
        <SelectField label="From" value={from} onValue={setFrom} options={FROM} />
        {from === "online" ? null : (
          <SelectField
            label="Knowledge"
            value={knowledge}
            onValue={setKnowledge}
            options={KNOWLEDGE}
          />
        )}
      </Form>
      {asked === null && viewName !== undefined ? (
        <p>There is no feature {reference}.</p>
      ) : (
        <Loaded asked={answer}>
          {(explanation) => (
            <ExplainedAnswer
              explanation={explanation}
              action={
                <CopyButton
                  what="the explanation as a test"
                  label="Copy as test"
                  text={() => askText("v1/explain", { ...body, format: "test" })}
                />
              }
            />
          )}
        </Loaded>
      )}
    </>
  );
}

function pair(reference: string): [view: string, name: string] {
  const [view = "", name = ""] = reference.split(":");
  return [view, name];
}
