/** The menu of what the profile of a feature is compared with. */
import { useState } from "preact/hooks";
import type { TrainingSetsJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { FileField, Form, SelectField, TextField } from "../../parts/field.tsx";
import { countText, shortTime } from "../../parts/texts.ts";
import { daysBefore, NO_REFERENCE, profileIn, type Reference } from "./references.ts";

export function ReferenceForm({
  name,
  days,
  reference,
  onReference,
}: {
  readonly name: string;
  /** The materialized days. */
  readonly days: readonly string[];
  readonly reference: Reference;
  readonly onReference: (reference: Reference) => void;
}): preact.JSX.Element {
  const sets = useAnswer<TrainingSetsJson>("v1/training-set");
  const before = daysBefore(days);
  const done = (sets.data?.trainingSets ?? []).filter(
    ({ state, features }) => state === "done" && features.includes(name),
  );
  const { choice } = reference;
  const choose = (value: string): void => {
    if (value === "before") onReference(before ?? NO_REFERENCE);
    else if (["none", "days", "file"].includes(value)) onReference({ choice: value, body: null });
    else onReference({ choice: value, body: { reference: { trainingSet: value } } });
  };
  return (
    <>
      <div class="form">
        <SelectField
          label="Compared with"
          value={choice}
          onValue={choose}
          options={[
            ...(before === null ? [] : [["before", "the days before"] as const]),
            ...done.map(
              ({ id, created, rows }) =>
                [
                  id,
                  `the training set of ${shortTime(created.slice(0, 16))}, ` +
                    `${countText(rows ?? 0)} rows`,
                ] as const,
            ),
            ["days", "other days"],
            ["file", "a fixed profile"],
            ["none", "nothing"],
          ]}
        />
      </div>
      {choice === "days" ? <OtherDays days={days} onReference={onReference} /> : null}
      {choice === "file" ? <ProfileFile name={name} onReference={onReference} /> : null}
    </>
  );
}

function OtherDays({
  days,
  onReference,
}: {
  readonly days: readonly string[];
  readonly onReference: (reference: Reference) => void;
}): preact.JSX.Element {
  const [from, setFrom] = useState(days[0] ?? "");
  const [to, setTo] = useState(days.at(-1) ?? "");
  return (
    <Form
      button="Compare"
      onSubmit={() =>
        onReference({ choice: "days", body: { reference: { from: from.trim(), to: to.trim() } } })
      }
    >
      <TextField label="First day" value={from} onValue={setFrom} required />
      <TextField label="Day after the last" value={to} onValue={setTo} required />
    </Form>
  );
}

function ProfileFile({
  name,
  onReference,
}: {
  readonly name: string;
  readonly onReference: (reference: Reference) => void;
}): preact.JSX.Element {
  const [isRefused, setRefused] = useState(false);
  return (
    <>
      <div class="form">
        <FileField
          label="File of tidemark profile --out"
          accept="application/json,.json"
          onText={(text) => {
            const profile = profileIn(text, name);
            setRefused(profile === null);
            onReference({
              choice: "file",
              body: profile === null ? null : { reference: { profile } },
            });
          }}
        />
      </div>
      {isRefused ? <p class="hint">This file is no profile that has {name}.</p> : null}
    </>
  );
}
