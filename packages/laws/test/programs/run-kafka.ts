/** Runs topics of Kafka into the stores of a folder until it is killed, or has caught up. */
import { openStore } from "@tidemark/core";
import { generateScenario, scenarioDefinitions } from "@tidemark/core/testing";
import { kafkaChanges } from "@tidemark/source-debezium";
import { realStores } from "../../src/real-stores.ts";
import { slowly } from "../../src/slowly.ts";

const [folder, seed, broker, pattern] = [process.argv[2]!, Number(process.argv[3]), process.argv[4]!, process.argv[5]!];
const store = await openStore({ definitions: scenarioDefinitions(generateScenario(seed, { traits: { changes: 600, tailCut: false } })), ...realStores(folder), retain: "forever", history: { commit: { rows: 5 }, buckets: 2 } });
console.log("ready");
// no machine is through with it before it was killed a few times
await store.run(slowly(kafkaChanges({ brokers: [broker], topics: new RegExp(pattern), until: "caught-up", batchMessages: 2, onWarning: () => undefined }), 10));
await store.close();
process.exit(0);
