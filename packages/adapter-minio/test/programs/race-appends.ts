/**
 * Several writers in one process, each with a store of its own, commit so many times to the table
 * `race`, a row each. Says that it is ready, and begins when told.
 */
import { once } from "node:events";
import { batchOf } from "@tidemark/core";
import { deltaOfflineStore } from "@tidemark/delta";
import { s3Objects, type S3ObjectsOptions } from "../../src/index.ts";

const [options, names, commits] = process.argv.slice(2) as [string, string, string];
const columns = [
  { name: "writer", database: "writer", type: "string", nullable: false },
  { name: "n", database: "n", type: "int64", nullable: false },
] as const;

async function write(writer: string): Promise<void> {
  const store = deltaOfflineStore(s3Objects(JSON.parse(options) as S3ObjectsOptions), {
    checkpointEvery: 20,
  });
  for (let n = 0; n < Number(commits); n++) {
    const partition = `of ${writer}`;
    const answer = await store.append(
      { name: "race", columns, partitionBy: [] },
      [batchOf(columns, [[writer, BigInt(n)]])],
      { positions: [{ partition, expected: n === 0 ? null : n - 1, next: n }] },
    );
    if (answer !== "done")
      throw new Error(`${writer} met ${answer} at ${n}, though nobody else moves its position`);
  }
  await store.close();
}

console.log("ready");
await once(process.stdin, "data");
await Promise.all(names.split(",").map(write));
process.stdin.destroy(); // nothing else keeps the process: not the client, not its sockets
