/** The views that are materialized: rows, days, and days of another definition. */
import type { RegistryPlan, StoreStorage } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { bytesText, countText, shortTime } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

export function MaterializedViews(): preact.JSX.Element {
  const storage = useAnswer<StoreStorage>("v1/tables", { every: 30_000 });
  const plan = useAnswer<RegistryPlan>("v1/plan");
  const old = new Map(plan.data?.materialized.map((one) => [one.view, one]));
  return (
    <Card title="Materialized views">
      <Loaded asked={storage}>
        {({ history }) => (
          <DataTable
            label="Materialized views"
            rows={(history?.tables ?? []).filter(({ holds }) => holds === "features")}
            empty="No view is materialized. Run tidemark materialize."
            columns={[
              {
                title: "View",
                cell: ({ of }) => <a href={hrefOf(["definitions", "view", of])}>{of}</a>,
              },
              { title: "Rows", isNumber: true, cell: ({ rows }) => countText(rows) },
              { title: "Size", isNumber: true, cell: ({ bytes }) => bytesText(bytes) },
              { title: "First day ends", cell: ({ oldest }) => oldest?.slice(0, 16) ?? "" },
              { title: "Last day ends", cell: ({ newest }) => newest?.slice(0, 16) ?? "" },
              {
                title: "Changed",
                cell: ({ changed }) => (changed === null ? "" : shortTime(changed.slice(0, 16))),
              },
              {
                title: "Definition",
                cell: ({ of }) => {
                  const days = old.get(of);
                  return days === undefined ? (
                    <Badge tone="good">this one</Badge>
                  ) : (
                    <>
                      <Badge tone="warn">{countText(days.days)} days of another one</Badge>{" "}
                      <code>{days.command}</code>
                    </>
                  );
                },
              },
              {
                title: "Columns",
                cell: ({ of }) => (
                  <a href={hrefOf(["training"], { view: of })} aria-label={`Null rates of ${of}`}>
                    Null rates
                  </a>
                ),
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
