/** Bodies with changed bytes: the server answers or refuses them by name, and leaves no file. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as delta from "@tidemark/delta";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { shopServer } from "../support/shop-server.ts";

const { seeds } = seedsFromEnvironment({ runs: 600, least: 100 });
const directory = mkdtempSync(join(tmpdir(), "tidemark-damaged-"));
const folder = join(directory, "sets");
let server: Awaited<ReturnType<typeof shopServer>>;
const bodies: Buffer[] = [];

const ROWS = Array.from({ length: 40 }, (_, i) => ({
  user_id: i % 2 === 0 ? "ann" : "bob",
  event_timestamp: `2026-01-0${1 + (i % 5)}T12:00:00Z`,
  label: i,
  note: i % 3 === 0 ? null : `note ${i} "quoted", Hà Nội`,
}));

beforeAll(async () => {
  server = await shopServer({ trainingSets: { parquet: delta, folder } });
  const jsonl = ROWS.map((row) => JSON.stringify(row)).join("\n");
  const answer = await send(Buffer.from(jsonl), "weekly:payments_l1w");
  expect(answer.status).toBe(200);
  bodies.push(Buffer.from(jsonl), answer.body);
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

async function send(
  payload: Buffer,
  features = "profile",
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const { statusCode, rawPayload } = await server.app.inject({
    method: "POST",
    url: `/v1/training-set?features=${features}&wait=60s`,
    payload,
    headers: { "content-type": "application/octet-stream" },
  });
  return { status: statusCode, body: rawPayload };
}

/** Changes, removes or repeats bytes. */
function damaged(body: Buffer, random: Random): Buffer {
  const copy = Buffer.from(body);
  const [from, to] = [random.int(copy.length), random.int(copy.length)].toSorted((a, b) => a - b);
  switch (random.int(4)) {
    case 0:
      for (let i = 0; i <= random.int(4); i++) copy[random.int(copy.length)] = random.int(256);
      return copy;
    case 1:
      return copy.subarray(0, to);
    case 2:
      return Buffer.concat([copy.subarray(0, from), copy.subarray(to)]);
    default:
      return Buffer.concat([copy.subarray(0, to), copy.subarray(from)]);
  }
}

test("no change of a body is a failure of the server", async () => {
  const counts = { answered: 0, refused: 0 };
  for (const seed of seeds) {
    const random = new Random(seed);
    const body = damaged(bodies[random.int(bodies.length)]!, random);
    const { status, body: answer } = await send(body);
    const text = status === 200 ? "" : answer.toString();
    expect(status, `TIDEMARK_SEED=${seed} TIDEMARK_RUNS=1: ${text}`).toBeLessThan(500);
    expect(text).not.toContain(directory);
    counts[status === 200 ? "answered" : "refused"]++;
  }
  expect(Math.min(counts.answered, counts.refused)).toBeGreaterThan(0);
  await expect.poll(() => readdirSync(folder), { timeout: 5000 }).toEqual([]);
});
