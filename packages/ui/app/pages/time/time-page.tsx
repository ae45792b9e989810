/** The time machine: every feature of a service as it moves while the time of a request moves. */
import { useState } from "preact/hooks";
import type { TimelineJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import {
  EntityFields,
  entityOf,
  hasKeys,
  keyQuery,
  keyTextsOf,
  textsOfKeys,
} from "../../parts/entity-form.tsx";
import { Form, SelectField, TextField } from "../../parts/field.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { goOrAgain, hrefOf, type Route } from "../../routing/router.ts";
import { useDefinitions } from "../../shell/definitions-context.ts";
import { useClock } from "../../shell/store-time.ts";
import { MovingFeatures } from "./moving-features.tsx";

const KNOWLEDGE = [
  ["as-known", "as known at each time"],
  ["as-corrected", "as corrected since"],
] as const;
const TWO_WEEKS = 14 * 86_400_000;

export function TimePage({ route }: { readonly route: Route }): preact.JSX.Element {
  const { services, views, derivedViews } = useDefinitions();
  const clock = useClock();
  const all = [...services, ...views, ...derivedViews];
  const { query } = route;
  const asked = all.find(({ name }) => name === query.get("service")) ?? all[0];
  const [chosen, setChosen] = useState(asked?.name ?? "");
  const [texts, setTexts] = useState(keyTextsOf(query));
  const [from, setFrom] = useState(
    () => query.get("begin") ?? new Date(clock() - TWO_WEEKS).toISOString().slice(0, 10),
  );
  const [to, setTo] = useState(query.get("end") ?? "");
  const [knowledge, setKnowledge] = useState(query.get("knowledge") ?? "as-known");
  const form = all.find(({ name }) => name === chosen);
  const askedTexts = keyTextsOf(query);
  const isAsked = asked !== undefined && query.has("begin") && hasKeys(asked.keys, askedTexts);
  const body = {
    features: [asked?.name ?? ""],
    entity: entityOf(asked?.keys ?? [], askedTexts),
    from: timeText(query.get("begin") ?? ""),
    ...(query.get("end") ? { to: timeText(query.get("end")!) } : {}),
    knowledge: query.get("knowledge") ?? "as-known",
  };
  const answer = useAnswer<TimelineJson>(isAsked ? "v1/timeline" : null, { body });
  return (
    <>
      <h1>Time machine</h1>
      <p>Go back in time, and see every feature of an entity as it moved.</p>
      <Form
        button="Go"
        onSubmit={() => {
          goOrAgain(
            hrefOf(["time"], {
              service: chosen,
              ...keyQuery(textsOfKeys(form?.keys ?? [], texts)),
              begin: from.trim(),
              end: to.trim(),
              knowledge,
            }),
            answer.again,
          );
        }}
      >
        <SelectField
          label="Service or view"
          value={chosen}
          onValue={setChosen}
          options={all.map(({ name }) => [name, name])}
        />
        <EntityFields keys={form?.keys ?? []} texts={texts} onTexts={setTexts} />
        <TextField label="From" value={from} onValue={setFrom} hint="2025-06-01" required />
        <TextField label="To (empty: now)" value={to} onValue={setTo} hint="2025-06-14" />
        <SelectField
          label="Knowledge"
          value={knowledge}
          onValue={setKnowledge}
          options={KNOWLEDGE}
        />
      </Form>
      <Loaded asked={answer}>
        {(timeline) => (
          <MovingFeatures
            key={`${timeline.from} ${timeline.to}`}
            timeline={timeline}
            keys={keyQuery(askedTexts)}
          />
        )}
      </Loaded>
    </>
  );
}

/** A day is its beginning in UTC. */
function timeText(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
}
