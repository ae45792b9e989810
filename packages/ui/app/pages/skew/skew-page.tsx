/** Computes logged answers again, and counts the bits that differ. Each difference is a link. */
import { useState } from "preact/hooks";
import type { SkewReport } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { Form, SelectField, TextField } from "../../parts/field.tsx";
import { allFeatures } from "../../parts/find-feature.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { goOrAgain, hrefOf, type Route } from "../../routing/router.ts";
import { useDefinitions } from "../../shell/definitions-context.ts";
import { SkewExamples } from "./skew-examples.tsx";
import { SkewOfFeatures, SkewTotals } from "./skew-counts.tsx";

const MEMBERS = ["from", "to", "feature"] as const;

export function SkewPage({ route: { query } }: { readonly route: Route }): preact.JSX.Element {
  const features = allFeatures(useDefinitions());
  const [given, setGiven] = useState(() =>
    Object.fromEntries(MEMBERS.map((name) => [name, query.get(name) ?? ""])),
  );
  const set = (name: string) => (value: string) => setGiven({ ...given, [name]: value });
  const [from, to, feature] = MEMBERS.map((name) => query.get(name));
  const asked = useAnswer<SkewReport>(query.has("check") ? "v1/skew" : null, {
    body: {
      ...(from ? { from } : {}),
      ...(to ? { to } : {}),
      ...(feature ? { features: [feature] } : {}),
    },
  });
  return (
    <>
      <h1>Skew</h1>
      <p>
        Are the answers those that the history gives? Each answer of the serving log is computed
        again, as the history was known then. The target is 0 differing bits.
      </p>
      <Form
        button="Check"
        onSubmit={() => {
          goOrAgain(hrefOf(["skew"], { ...given, check: "1" }), asked.again);
        }}
      >
        <TextField
          label="From (empty: a day before the end)"
          value={given["from"]!}
          onValue={set("from")}
          hint="2025-06-13T00:00:00Z"
        />
        <TextField
          label="To (empty: now)"
          value={given["to"]!}
          onValue={set("to")}
          hint="2025-06-14T00:00:00Z"
        />
        <SelectField
          label="Feature"
          value={given["feature"]!}
          onValue={set("feature")}
          options={[["", "all"], ...features.map((one) => [one, one] as const)]}
        />
      </Form>
      <Loaded asked={asked}>
        {(report) => (
          <>
            <Card title={`Answers from ${report.from} to ${report.to}`}>
              <SkewTotals report={report} />
              <SkewOfFeatures features={report.features} />
            </Card>
            <Card title="Values that differ">
              <SkewExamples examples={report.examples} />
            </Card>
          </>
        )}
      </Loaded>
    </>
  );
}
