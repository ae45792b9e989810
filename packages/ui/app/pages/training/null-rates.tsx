/** The columns of a materialized view, and how often each has no value. */
import type { ProfileReport } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { countText, numberText } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

export function NullRates({ view }: { readonly view: string }): preact.JSX.Element {
  const asked = useAnswer<ProfileReport>("v1/profile", { body: { view } });
  return (
    <Card title={`Columns of ${view}`}>
      <Loaded asked={asked}>
        {({ all: { columns } }) => (
          <DataTable
            label={`Columns of ${view}`}
            rows={columns}
            columns={[
              {
                title: "Column",
                cell: ({ column }) => <a href={hrefOf(["feature", view, column])}>{column}</a>,
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
