/** The columns of a materialized view or of a training set, and how often each has no value. */
import type { ProfileReport } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { countText, numberText } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

export function NullRates({
  of,
}: {
  readonly of: { readonly view: string } | { readonly trainingSet: string };
}): preact.JSX.Element {
  const asked = useAnswer<ProfileReport>("v1/profile", { body: of });
  const title = `Columns of ${"view" in of ? of.view : `training set ${of.trainingSet}`}`;
  return (
    <Card title={title}>
      <Loaded asked={asked}>
        {({ all: { columns } }) => (
          <DataTable
            label={title}
            rows={columns}
            columns={[
              {
                title: "Column",
                cell: ({ column }) =>
                  "view" in of ? (
                    <a href={hrefOf(["feature", of.view, column])}>{column}</a>
                  ) : (
                    column
                  ),
              },
              { title: "Type", cell: ({ type }) => type },
              { title: "Rows", isNumber: true, cell: ({ rows }) => countText(rows) },
              { title: "Nulls", isNumber: true, cell: ({ nulls }) => countText(nulls) },
              {
                title: "Null rate",
                isNumber: true,
                cell: ({ nullRate }) => `${numberText(100 * nullRate)} %`,
              },
              {
                title: "Distinct",
                isNumber: true,
                cell: ({ distinct, isExact }) => `${isExact ? "" : "about "}${countText(distinct)}`,
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
