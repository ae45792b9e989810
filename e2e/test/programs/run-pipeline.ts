/**
 * Runs topics of a real Kafka into SQLite and a lake in MinIO until SIGTERM, or until the process
 * is killed. The program prints its commits.
 */
import { kafkaChanges } from "@tidemark/source-debezium";
import { s3Objects } from "@tidemark/adapter-minio";
import { localObjects } from "@tidemark/delta";
import { writeSync } from "node:fs";
import { bank } from "../../src/pipeline-definitions.ts";
import type { ChildSettings } from "../../src/pipeline-process.ts";
import { openFlow } from "../../src/pipeline-run.ts";
import { lakePath, realStores } from "../../src/real-stores.ts";

const { folder, brokers, topics, groupId, lake } = JSON.parse(process.argv[2]!) as ChildSettings;
const printLine = (line: string): void => {
  writeSync(1, `${line}\n`);
};
const stores = realStores(
  folder,
  {
    sqlite: (name) => {
      if (name === "after-commit") printLine("online");
    },
    delta: (name) => {
      if (name === "after-commit") printLine("history");
    },
  },
  lake === null ? localObjects(lakePath(folder)) : s3Objects(lake),
);
const stop = new AbortController();
process.on("SIGTERM", () => {
  stop.abort();
});

// loading the modules is not part of a run that is to be killed
process.stdin.once("data", () => {
  void run();
});
printLine("ready");

async function run(): Promise<void> {
  const store = await openFlow(bank, stores);
  const source = kafkaChanges({
    unreadable: "keep",
    brokers,
    topics: new RegExp(topics),
    batchMessages: 40,
    onWarning: () => undefined,
    ...(groupId === null
      ? {}
      : {
          groupId,
          consumer: { heartbeatInterval: 500, rebalanceTimeout: 5_000, sessionTimeout: 6_000 },
        }),
  });
  const shares = setInterval(() => {
    printLine(`shares ${source.lag().length}`);
  }, 100);
  try {
    await store.run(source, { signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  clearInterval(shares);
  await store.close();
  process.exit(0);
}
