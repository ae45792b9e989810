/**
 * Runs the topic of a folder into the folder's stores, again after each fencing, and prints how
 * each run ended.
 */
import { isTidemarkError, openStore } from "@tidemark/core";
import { generateScenario, scenarioDefinitions, UNMERGED_LAYOUT } from "@tidemark/testkit";
import { recordedTopic } from "@tidemark/source-debezium";
import { keepingStores, realStores, topicPath } from "../../src/real-stores.ts";

const [folder, seed, changes] = [process.argv[2]!, Number(process.argv[3]), process.argv[4]];
const traits = changes === undefined ? {} : { changes: Number(changes) };
const definitions = scenarioDefinitions(generateScenario(seed, { traits }));
console.log("ready");
process.stdin.once("data", () => {
  void run();
});

async function run(): Promise<void> {
  const store = await openStore({
    definitions,
    ...keepingStores(realStores(folder), { commit: { rows: 5 }, layoutLimits: UNMERGED_LAYOUT }),
  });
  for (let ended = ""; ended !== "done";) {
    ended = await store
      .run(
        recordedTopic(topicPath(folder), {
          batchChanges: 3,
          onWarning: () => undefined,
          unreadable: "keep",
        }),
        // Each batch is written as it comes, so that a kill meets it.
        { mismatch: "ignore" },
      )
      .then(
        () => "done",
        (error: unknown) => {
          if (!isTidemarkError(error)) throw error;
          return error.code;
        },
      );
    console.log(ended);
  }
  await store.close();
  process.exit(0);
}
