/**
 * Serves an entity again and again, and commits the serving log after each few answers. The program
 * prints the number of committed rows, until it is killed.
 */
import { count, entity, featureView, openStore, source, string, timestamp } from "@tidemark/core";
import { writeSync } from "node:fs";
import { realStores } from "./real-stores.ts";

/** The rows of a commit of the program. */
export const ROWS_PER_COMMIT = 7;

const user = entity("user", { keys: { user_id: string() } });
const visits = source("visits", {
  table: "public.visits",
  columns: { id: string(), user_id: string(), time: timestamp({ zone: "UTC" }) },
  primaryKey: ["id"],
  eventTime: "time",
});
const daily = featureView("daily", {
  entity: user,
  source: visits,
  features: { visits_1d: count().over("1d") },
});

if (import.meta.main) {
  const { online, offline } = realStores(process.argv[2]!);
  const store = await openStore({
    definitions: { daily },
    online: { store: online, serveWhileFilling: true },
    offline,
    servingLog: {},
  });
  for (;;) {
    for (let i = 0; i < ROWS_PER_COMMIT; i++)
      await store.getOnlineFeatures({ features: daily, entity: { user_id: "ann" } });
    await store.servingLog!.flush();
    writeSync(1, `${store.servingLog!.status().written}\n`);
  }
}
