/**
 * Runs several writers in one process, each with its own store. Each writer commits a row several
 * times to the table `race`. The program prints when it is ready, and begins on a command.
 */
import { once } from "node:events";
import { batchOf } from "@tidemark/core/spi";
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
process.stdin.destroy(); // neither the client nor its sockets keep the process alive
