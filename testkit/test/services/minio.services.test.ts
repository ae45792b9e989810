import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startMinio } from "@tidemark/testkit/services/minio";
import { onTestFinished, test } from "vitest";
import { startNode } from "../../src/child-process.ts";
import { minioServer, suiteNeeding } from "../../src/needs.ts";

const answers = (endpoint: string): Promise<boolean> =>
  fetch(`${endpoint}/minio/health/live`).then(
    ({ ok }) => ok,
    () => false,
  );
const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

suiteNeeding(minioServer(), "a MinIO for tests", () => {
  test("answers at its address, is away while halted, and keeps its data", async () => {
    const minio = await startMinio();
    onTestFinished(() => minio.stop());
    assert.equal(await answers(minio.endpoint), true);
    await minio.createBucket("kept");
    await minio.halt("SIGKILL");
    assert.equal(await answers(minio.endpoint), false);
    await minio.resume();
    assert.equal(await answers(minio.endpoint), true);
    await assert.rejects(() => minio.createBucket("kept"), { name: "BucketAlreadyOwnedByYou" });
    assert.match(minio.log(), /MinIO Object Storage Server/);
    await minio.resume();
    await minio.halt();
    assert.equal(await answers(minio.endpoint), false, "a second resume starts no second program");
  });

  test("dies with the process that started it, and leaves no files", async () => {
    const program = fileURLToPath(new URL("programs/start-minio.ts", import.meta.url));
    const child = startNode(program);
    const { pid, data, endpoint } = JSON.parse(await child.line()) as {
      pid: number;
      data: string;
      endpoint: string;
    };
    assert.equal(await answers(endpoint), true);
    assert.ok(runs(pid) && existsSync(data));
    child.kill();
    for (let waited = 0; waited < 100 && (runs(pid) || existsSync(dirname(data))); waited++)
      await sleep(100);
    assert.deepEqual([runs(pid), existsSync(dirname(data))], [false, false]);
  });
});
