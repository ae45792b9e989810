/**
 * Starts one of the measured servers in a separate process. The program prints its port, and ends
 * with its standard input.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { openStore } from "@tidemark/core";
import { featureServer } from "@tidemark/server";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { weekly } from "@tidemark/testkit/bank/definitions";
import { NOW } from "./bank.ts";

const [what, file] = process.argv.slice(2);
process.stdin.resume().on("end", () => process.exit());
if (what === "echo") {
  // the cost of every server that reads a body and sends one
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      response
        .writeHead(200, {
          "content-type": "application/json; charset=utf-8",
          "content-length": body.length,
        })
        .end(body);
    });
  });
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
} else {
  const definitions = { weekly };
  // "computed": no answer cache
  const answerCache = what === "computed" ? { maxBytes: 0 } : {};
  const store = await openStore({
    definitions,
    online: { store: sqliteOnlineStore(file!, { readOnly: true }), retention: "1d", answerCache },
    clock: () => new Date(NOW / 1000),
  });
  const server = await featureServer({ store, definitions });
  console.log(new URL(await server.listen({ port: 0 })).port);
}
