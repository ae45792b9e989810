/**
 * Runs topics of Kafka into the stores of a folder until the process is killed, or has caught up.
 */
import { openStore } from "@tidemark/core";
import { generateScenario, scenarioDefinitions, type ScenarioOptions } from "@tidemark/testkit";
import { kafkaChanges } from "@tidemark/source-debezium";
import { keepingStores, realStores } from "../../src/real-stores.ts";
import { slowSource } from "../../src/slow-source.ts";

interface Settings {
  readonly folder: string;
  readonly seed: number;
  readonly traits: ScenarioOptions["traits"];
  readonly broker: string;
  readonly topics: string;
}

const { folder, seed, traits, broker, topics } = JSON.parse(process.argv[2]!) as Settings;
const store = await openStore({
  definitions: scenarioDefinitions(generateScenario(seed, { traits })),
  ...keepingStores(realStores(folder), { commit: { rows: 5 }, buckets: 2 }),
});
console.log("ready");
// slowed, so that no machine finishes before it was killed a few times
await store.run(
  slowSource(
    kafkaChanges({
      unreadable: "keep",
      brokers: [broker],
      topics: new RegExp(topics),
      until: "caught-up",
      batchMessages: 2,
      onWarning: () => undefined,
    }),
    10,
  ),
  { mismatch: "ignore" },
);
await store.close();
process.exit(0);
