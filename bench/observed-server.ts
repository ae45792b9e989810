/**
 * Starts a server of `observed.ts` in a separate process. The program prints its port, and its CPU
 * time for each line of its standard input; it ends with the input.
 */
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { openStore } from "@tidemark/core";
import { featureServer } from "@tidemark/server";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { logBuffer } from "../packages/cli/src/serve/log-buffer.ts";
import { AnswerCounter } from "../packages/core/src/online/answer-counts.ts";
import { NOW } from "./bank.ts";

const [mode, file] = process.argv.slice(2);
createInterface({ input: process.stdin })
  .on("line", () => {
    const { user, system } = process.cpuUsage();
    console.log(`usage ${user + system}`);
  })
  .on("close", () => process.exit());

if (mode === "off") {
  AnswerCounter.prototype.addAnswers = () => undefined;
  AnswerCounter.prototype.addEntityRows = () => undefined;
}
if (mode === "all") {
  const exporter = {
    export: (_: unknown, done: (result: { code: number }) => void) => {
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }).register();
}
const definitions = { weekly };
const store = await openStore({
  definitions,
  online: { store: sqliteOnlineStore(file!, { readOnly: true }), retention: "1d" },
  clock: () => new Date(NOW / 1000),
});
const lines = logBuffer(createWriteStream("/dev/null"));
const log = {
  write: (line: string) => {
    lines.write(line);
  },
};
const server = await featureServer({ store, definitions, ...(mode === "all" ? { log } : {}) });
console.log(new URL(await server.listen({ port: 0 })).port);
