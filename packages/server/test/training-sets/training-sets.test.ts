/** Training sets over HTTP, over a Delta table of local files. */
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { EntityColumns } from "@tidemark/core";
import { valueAt, type Value } from "@tidemark/core/spi";
import * as delta from "@tidemark/delta";
import type { ServerOptions } from "@tidemark/server";
import { profile, weekly } from "../../../core/test/support/shop.ts";
import { kinds, shopServer, sums } from "../support/shop-server.ts";

const directory = mkdtempSync(join(tmpdir(), "tidemark-http-sets-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
let made = 0;
const newFolder = (): string => join(directory, `folder-${made++}`);

type Server = Awaited<ReturnType<typeof shopServer>>;
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Started {
  readonly server: Server;
  readonly url: string;
  readonly folder: string;
}

/** Starts a server whose history is a Delta table. */
async function started(options: Partial<ServerOptions> = {}): Promise<Started> {
  const folder = options.trainingSets?.folder ?? newFolder();
  const server = await shopServer(
    { ...options, trainingSets: { parquet: delta, folder, ...options.trainingSets } },
    delta.deltaOfflineStore(delta.localObjects(join(directory, `lake-${made++}`))),
  );
  servers.push(server);
  return { server, folder, url: `${await server.listen({ port: 0 })}/v1/training-set` };
}

// the rows are not in the order of their times; one is there twice, and one has no events
const ROWS = [
  { user_id: "bob", event_timestamp: "2026-01-05T12:00:00Z", label: 1 },
  { user_id: "ann", event_timestamp: "2026-01-05T12:00:00Z", label: 0 },
  { user_id: "nobody", event_timestamp: "2026-01-05T12:00:00Z", label: null },
  { user_id: "ann", event_timestamp: "2025-12-30T12:30:00.000001Z", label: 2 },
  { user_id: "ann", event_timestamp: "2026-01-05T12:00:00Z", label: 0 },
];
const lines = (rows: readonly object[]): string =>
  rows.map((row) => JSON.stringify(row)).join("\n");
const NDJSON = { "content-type": "application/x-ndjson" };
const PARQUET = { "content-type": "application/vnd.apache.parquet" };

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly job: Readonly<Record<string, unknown>> & { readonly id: string; readonly url: string };
}

async function post(
  address: string,
  body: NonNullable<RequestInit["body"]>,
  headers: Readonly<Record<string, string>> = NDJSON,
): Promise<Answer> {
  const answer = await fetch(address, { method: "POST", body, headers });
  const json = (await answer.json()) as Answer["job"] & Answer;
  return { status: answer.status, code: json.code, message: json.message, job: json };
}

/** Polls the training set until it is no longer running. */
async function ended(url: string, { id }: Answer["job"]): Promise<Answer["job"]> {
  for (let tries = 0; tries < 200; tries++) {
    const job = (await (await fetch(`${url}/${id}`)).json()) as Answer["job"];
    if (job["state"] !== "running") return job;
    await sleep(20);
  }
  throw new Error(`training set ${id} is still running`);
}

async function parquetRows(bytes: ArrayBuffer | Buffer): Promise<Record<string, Value>[]> {
  const file = join(directory, `answer-${made++}.parquet`);
  writeFileSync(file, Buffer.from(bytes as ArrayBuffer));
  const rows: Record<string, Value>[] = [];
  for await (const { length, columns, vectors } of await delta.readParquet(file))
    for (let i = 0; i < length; i++)
      rows.push(Object.fromEntries(columns.map(({ name }, c) => [name, valueAt(vectors[c]!, i)])));
  return rows;
}

async function parquetFile(rows: readonly object[]): Promise<Buffer> {
  const { server } = await started();
  const file = join(directory, `labels-${made++}.parquet`);
  const set = await server.store.getHistoricalFeatures({
    features: [weekly.payments_l1w.as("unused")],
    entities: rows as never,
  });
  await delta.writeParquet(file, set);
  return readFileSync(file);
}

/** The bytes that the store and the writer give for a file of entity rows. */
async function expectedBytes(
  { server }: Started,
  labels: Buffer,
  options: object = {},
): Promise<Buffer> {
  const [input, output] = [newFolder(), newFolder()];
  writeFileSync(input, labels);
  await delta.writeParquet(
    output,
    await server.store.getHistoricalFeatures({
      features: [weekly, profile] as never,
      entities: (await delta.readParquet(input)) as EntityColumns as never,
      ...options,
    }),
  );
  return readFileSync(output);
}

describe("a training set", () => {
  test.each(["as-corrected", "as-known"])(
    "%s of a Parquet file is what the store gives, byte for byte",
    async (knowledge) => {
      const labels = await parquetFile(ROWS);
      const server = await started();
      const answer = await fetch(
        `${server.url}?features=weekly,profile&knowledge=${knowledge}&wait=60s`,
        { method: "POST", body: new Uint8Array(labels), headers: PARQUET },
      );
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/vnd.apache.parquet");
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.equals(await expectedBytes(server, labels, { knowledge }))).toBe(true);
      expect((await parquetRows(bytes)).map((row) => row["user_id"])).toEqual(
        ROWS.map((row) => row.user_id),
      );
    },
  );

  test("has the bytes of the store for a column of every value type", async () => {
    const server = await started();
    const rows = ["9223372036854775807", "1", "5"].map((id) => ({
      id,
      event_timestamp: "2026-01-05T12:00:00Z",
    }));
    const answer = await fetch(`${server.url}?features=kinds,sums&wait=60s`, {
      method: "POST",
      body: lines(rows),
      headers: NDJSON,
    });
    const output = newFolder();
    const set = await server.server.store.getHistoricalFeatures({
      features: [kinds, sums],
      entities: rows.map((row) => ({ ...row, id: BigInt(row.id) })),
    });
    await delta.writeParquet(output, set);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.equals(readFileSync(output))).toBe(true);
    const [first] = await parquetRows(bytes);
    expect(first).toMatchObject({ id: 9_223_372_036_854_775_807n, text: "a\nb", small: -7 });
  });

  test("names in a header what was left out of the entity rows", async () => {
    const { url } = await started({
      trainingSets: {
        parquet: {
          ...delta,
          readParquet: async (file, options) => ({
            ...(await delta.readParquet(file, options)),
            unsupported: [{ name: "thời gian", holds: "an interval" }],
          }),
        },
      },
    });
    const body = new Uint8Array(await parquetFile(ROWS));
    const answer = await fetch(`${url}?features=weekly&wait=1m`, { method: "POST", body });
    expect(JSON.parse(answer.headers.get("tidemark-warnings")!)).toEqual([
      'the body: column "thời gian" is an interval, which Tidemark does not hold, and is left ' +
        "out; cast it to text to carry it",
    ]);
    await answer.arrayBuffer();
  });

  test("of JSON lines is a job, whose result is there until it is deleted", async () => {
    const { url, folder, server } = await started();
    const posted = await fetch(`${url}?features=weekly:payments_l1w,weekly:spent_7d as spent`, {
      method: "POST",
      body: lines(ROWS),
      headers: NDJSON,
    });
    expect(posted.status).toBe(202);
    const job = (await posted.json()) as Answer["job"];
    expect(posted.headers.get("location")).toBe(job.url);
    expect(job.url).toBe(`/v1/training-set/${job.id}`);
    expect(await ended(url, job)).toEqual({
      id: job.id,
      state: "done",
      rows: 5,
      done: 5,
      features: ["payments_l1w", "spent"],
      knowledge: "as-corrected",
      created: expect.any(String),
      ended: expect.any(String),
      expires: expect.any(String),
      warnings: [],
      coverage: { payments: { knownSince: "2025-12-30T12:00:01.000000Z" } },
      error: null,
      url: job.url,
      result: `${job.url}/result`,
    });
    const result = await fetch(`${url}/${job.id}/result`);
    const { store } = server;
    const expected = await store.getHistoricalFeatures({
      features: [weekly.payments_l1w, weekly.spent_7d.as("spent")],
      entities: ROWS,
    });
    const rows = await parquetRows(await result.arrayBuffer());
    expect(
      rows.map(({ payments_l1w, spent }) => ({ payments_l1w: Number(payments_l1w), spent })),
    ).toEqual((await expected.rows()).map(({ payments_l1w, spent }) => ({ payments_l1w, spent })));
    expect(rows.map(({ label }) => label)).toEqual([1n, 0n, null, 2n, 0n]);
    expect(readdirSync(join(folder, job.id)).toSorted()).toEqual([
      "state.json",
      "training-set.parquet",
    ]);
    expect((await fetch(`${url}/${job.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(`${url}/${job.id}/result`)).status).toBe(404);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that a request waited for leaves no file", async () => {
    const { url, folder } = await started();
    const answer = await fetch(`${url}?features=weekly&wait=1m`, {
      method: "POST",
      body: lines(ROWS),
    });
    expect((await parquetRows(await answer.arrayBuffer())).length).toBe(5);
    for (let tries = 0; tries < 50 && readdirSync(folder).length > 0; tries++) await sleep(20);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("counts in the metrics and stands in the audit log", async () => {
    const audit: string[] = [];
    const { url, server } = await started({ audit: { write: (line) => audit.push(line) } });
    const { job } = await post(`${url}?features=weekly:payments_l1w`, lines(ROWS));
    await ended(url, job);
    await post(`${url}?features=weekly:none`, lines(ROWS));
    const metrics = (await server.app.inject("/metrics")).body;
    expect(metrics).toContain('tidemark_training_sets_total{state="done"} 1\n');
    expect(metrics).toContain("tidemark_training_set_rows_total 5\n");
    expect(metrics).toContain("tidemark_training_sets_running 0\n");
    expect(metrics).toContain('tidemark_http_entities_total{route="/v1/training-set"} 5\n');
    expect(audit.map((line) => JSON.parse(line) as object)).toMatchObject([
      {
        action: "training-set",
        outcome: "accepted",
        features: ["payments_l1w"],
        trainingSet: job.id,
        rows: 5,
      },
      { action: "training-set", outcome: "refused", code: "FEATURE_UNKNOWN" },
    ]);
  });
});

const ROW = '{"user_id":"ann","event_timestamp":"2026-01-05T12:00:00Z"}';

describe("a request is refused", () => {
  let one: Started;
  beforeAll(async () => {
    one = await started();
    servers.pop(); // it stays for all tests
  });
  afterAll(() => one.server.close());

  test.each<[string, string, string, number, string, string]>([
    ["without features", "", ROW, 422, "REQUEST_INVALID", "features is missing"],
    ["with an unknown feature", "features=weekly:spent_7", ROW, 404, "FEATURE_UNKNOWN", "spent_7d"],
    [
      "with a misspelt parameter",
      "features=weekly&knowlege=as-known",
      ROW,
      422,
      "REQUEST_INVALID",
      'the query has "knowlege", which is not known here; did you mean "knowledge"?',
    ],
    [
      "with unknown knowledge",
      "features=weekly&knowledge=known",
      ROW,
      422,
      "REQUEST_INVALID",
      '"as-corrected" or "as-known"',
    ],
    [
      "with an unknown zone",
      "features=weekly&zone=Saigonn",
      ROW,
      422,
      "TIME_ZONE_UNKNOWN",
      "Saigonn",
    ],
    [
      "with a wait that is no duration",
      "features=weekly&wait=soon",
      ROW,
      422,
      "REQUEST_INVALID",
      "60s",
    ],
    ["with a feature twice", "features=weekly,weekly", ROW, 422, "NAME_TAKEN", "payments_l1w"],
    [
      "with a feature that is a column",
      "features=weekly:spent_7d as label",
      `{"label":1,${ROW.slice(1)}`,
      422,
      "NAME_TAKEN",
      '"label"',
    ],
    ["without rows", "features=weekly", "", 422, "ENTITIES_INVALID", "the body is empty"],
    [
      "with a JSON list",
      "features=weekly",
      `[${ROW}]`,
      415,
      "MEDIA_TYPE_UNKNOWN",
      "the body is not JSON lines",
    ],
    [
      "with a line that is no JSON",
      "features=weekly",
      `${ROW}\n{"user_id":`,
      422,
      "ENTITIES_INVALID",
      "the body: line 2: this is not JSON",
    ],
    [
      "without a key",
      "features=weekly",
      '{"user":"ann","event_timestamp":"2026-01-05"}',
      422,
      "KEY_INVALID",
      "the body: there is no column user_id (it has user string, event_timestamp string)",
    ],
    [
      "without a time",
      "features=weekly",
      '{"user_id":"ann"}',
      422,
      "TIME_INVALID",
      "the body: there is no column event_timestamp",
    ],
  ])("%s", async (_, query, body, status, code, says) => {
    const { url, folder } = one;
    const answer = await post(`${url}?${query}`, body);
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect(answer.message).toContain(says);
    expect(answer.message).not.toContain(directory);
    expect(readdirSync(directory).includes(folder) ? readdirSync(folder) : []).toEqual([]);
  });
});

describe("entity rows", () => {
  test("whose row is wrong make the training set fail, with its row and column", async () => {
    const { url, folder } = await started();
    const { status, job } = await post(
      `${url}?features=weekly`,
      `${ROW}\n{"user_id":null,"event_timestamp":"2026-01-05T12:00:00Z"}`,
    );
    expect(status).toBe(202);
    expect(await ended(url, job)).toMatchObject({
      state: "failed",
      error: {
        code: "KEY_INVALID",
        message: "the body: line 2: user_id is empty; give every row its keys",
      },
      result: null,
    });
    const result = await fetch(`${url}/${job.id}/result`);
    expect([result.status, ((await result.json()) as Answer).code]).toEqual([422, "KEY_INVALID"]);
    expect(readdirSync(join(folder, job.id))).toEqual(["state.json"]);
    const waited = await post(
      `${url}?features=weekly&wait=60s`,
      '{"user_id":"ann","event_timestamp":"2026-01-05 12:00"}',
    );
    expect([waited.status, waited.code]).toEqual([422, "TIME_INVALID"]);
    expect(waited.message).toBe(
      'the body: line 1: event_timestamp: "2026-01-05 12:00" is a time without a zone; write Z ' +
        "or +07:00 behind it, or name its zone with zone=…",
    );
    expect(readdirSync(folder)).toEqual([job.id]);
  });

  test("have the zone and the unit that the query names", async () => {
    const { url } = await started();
    const times = async (query: string, time: unknown): Promise<unknown> => {
      const answer = await fetch(`${url}?features=weekly:payments_l1w&wait=1m&${query}`, {
        method: "POST",
        body: JSON.stringify({ user_id: "ann", event_timestamp: time }),
      });
      return (await parquetRows(await answer.arrayBuffer()))[0]!["event_timestamp"];
    };
    const noon = Date.UTC(2026, 0, 5, 12);
    expect(await times("zone=Asia/Ho_Chi_Minh", "2026-01-05 19:00")).toBe(noon * 1000);
    expect(await times("timeUnit=ms", noon)).toBe(noon * 1000);
  });

  test("that are no Parquet are refused", async () => {
    const { url } = await started();
    const damaged = await post(`${url}?features=weekly`, "PAR1 and no more", PARQUET);
    expect([damaged.status, damaged.code]).toEqual([422, "ENTITIES_INVALID"]);
    expect(damaged.message).toMatch(/^the body: /);
    const other = await post(`${url}?features=weekly`, ROW, PARQUET);
    expect([other.status, other.message]).toEqual([
      415,
      "the body is not Parquet; send Parquet (application/vnd.apache.parquet) or JSON lines " +
        "(application/x-ndjson)",
    ]);
    for (const headers of [
      { "content-type": "application/json" },
      { ...NDJSON, "content-encoding": "gzip" },
    ] as const)
      expect((await post(`${url}?features=weekly`, ROW, headers)).status).toBe(415);
    // a packed file is not unpacked: a small body could hold any number of rows
    const packed = await post(`${url}?features=weekly`, Buffer.from([0x1f, 0x8b, 8, 0]), NDJSON);
    expect(packed.status).toBe(415);
  });

  test("beyond a limit are refused, and leave no file", async () => {
    const { url, folder } = await started({
      limits: { trainingSetBytes: 1000, trainingSetRows: 2, features: 2 },
    });
    const announced = await post(`${url}?features=weekly`, "{".padEnd(1001));
    expect([announced.status, announced.code]).toEqual([413, "BODY_TOO_LARGE"]);
    const pieces = new ReadableStream({
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode("{".padEnd(100)));
        await sleep(1);
      },
    });
    const streamed = await fetch(`${url}?features=weekly`, {
      method: "POST",
      body: pieces,
      headers: NDJSON,
      duplex: "half",
    } as RequestInit);
    expect(streamed.status).toBe(413);
    const rows = await post(
      `${url}?features=weekly`,
      lines([ROW, ROW, ROW].map((row) => JSON.parse(row) as object)),
    );
    expect([rows.status, rows.code]).toEqual([422, "TOO_MANY_ROWS"]);
    const names = await post(`${url}?features=weekly,weekly,weekly`, ROW);
    expect([names.status, names.code]).toEqual([422, "TOO_MANY_FEATURES"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("may arrive slowly, and are refused when they stop", async () => {
    const { url, folder } = await started({ timeouts: { request: "400ms", headers: "400ms" } });
    const send = async (pieces: number, pause: number): Promise<string> => {
      const { port } = new URL(url);
      const socket = connect(Number(port), "127.0.0.1");
      await once(socket, "connect");
      socket.write(
        "POST /v1/training-set?features=weekly HTTP/1.1\r\nHost: localhost\r\n" +
          `Content-Type: application/x-ndjson\r\nContent-Length: ${6 * ROW.length}\r\n\r\n`,
      );
      for (let i = 0; i < pieces; i++) {
        socket.write(ROW);
        await sleep(pause);
      }
      const [answer] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      return answer.toString();
    };
    // the objects stand in one line: what arrived is read
    expect(await send(6, 250)).toMatch(/^HTTP\/1\.1 422 .*ENTITIES_INVALID/s);
    expect(await send(2, 1)).toMatch(/^HTTP\/1\.1 408 .*REQUEST_TIMED_OUT/s);
    for (let tries = 0; tries < 50 && readdirSync(folder).length > 0; tries++) await sleep(20);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that are cut off leave no file", async () => {
    const { url, folder, server } = await started();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      "POST /v1/training-set?features=weekly HTTP/1.1\r\nHost: localhost\r\n" +
        `Content-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n${ROW}`,
    );
    for (let tries = 0; tries < 100; tries++) {
      if (
        readdirSync(directory).includes(folder.split("/").at(-1)!) &&
        readdirSync(folder).length > 0
      )
        break;
      await sleep(20);
    }
    expect(readdirSync(folder).length).toBe(1);
    socket.destroy();
    for (let tries = 0; tries < 100 && readdirSync(folder).length > 0; tries++) await sleep(20);
    expect(readdirSync(folder)).toEqual([]);
    expect((await server.app.inject("/metrics")).body).toContain(
      "tidemark_training_sets_running 0",
    );
  });
});

/** A writer of Parquet that waits until its signal aborts. */
const stuckWriter = {
  readParquet: delta.readParquet,
  writeParquet: async (
    _file: string,
    { signal }: { readonly signal?: AbortSignal | undefined },
  ) => {
    await once(signal!, "abort");
    throw signal!.reason;
  },
};

describe("while a training set is running", () => {
  test("its result is not there, and a further one beyond the limit is refused", async () => {
    const { url } = await started({
      limits: { trainingSets: 1 },
      trainingSets: { parquet: stuckWriter },
    });
    const { job, status } = await post(`${url}?features=weekly&wait=50ms`, lines(ROWS));
    expect([status, job["state"], job["rows"], job["done"]]).toEqual([202, "running", 5, 0]);
    const result = await fetch(`${url}/${job.id}/result`);
    expect([result.status, result.headers.get("retry-after")]).toEqual([409, "1"]);
    expect(((await result.json()) as Answer).code).toBe("TRAINING_SET_RUNNING");
    const further = await post(`${url}?features=weekly`, lines(ROWS));
    expect([further.status, further.code]).toEqual([429, "TRAINING_SETS_BUSY"]);
    expect((await fetch(`${url}/${job.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(`${url}/${job.id}`)).status).toBe(404);
    expect((await post(`${url}?features=weekly`, lines(ROWS))).status).toBe(202);
  });

  test("a request that waits learns that it was deleted", async () => {
    const { url, folder } = await started({ trainingSets: { parquet: stuckWriter } });
    const waiting = post(`${url}?features=weekly&wait=60s`, lines(ROWS));
    const id = async (): Promise<string> => {
      for (;;) {
        const found = (await sleep(20)) ?? readdirSync(directory);
        if (found.includes(folder.split("/").at(-1)!)) {
          const [job] = readdirSync(folder);
          if (job !== undefined && readdirSync(join(folder, job)).length > 1) return job;
        }
      }
    };
    await sleep(200);
    expect((await fetch(`${url}/${await id()}`, { method: "DELETE" })).status).toBe(204);
    const { status, code } = await waiting;
    expect([status, code]).toEqual([409, "TRAINING_SET_ABORTED"]);
  });

  test("a caller that waits and disconnects aborts it", async () => {
    const { url, folder, server } = await started({ trainingSets: { parquet: stuckWriter } });
    const abort = new AbortController();
    const waiting = fetch(`${url}?features=weekly&wait=60s`, {
      method: "POST",
      body: lines(ROWS),
      signal: abort.signal,
    }).catch((error: unknown) => (error as Error).name);
    const running = async (count: number): Promise<void> => {
      for (let tries = 0; tries < 100; tries++) {
        const { body } = await server.app.inject("/metrics");
        if (body.includes(`tidemark_training_sets_running ${count}\n`)) return;
        await sleep(20);
      }
      throw new Error(`${count} training sets are never running`);
    };
    await running(1);
    await sleep(200);
    abort.abort();
    expect(await waiting).toBe("AbortError");
    await running(0);
    for (let tries = 0; tries < 50 && readdirSync(folder).length > 0; tries++) await sleep(20);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("closing the server aborts it and removes its files, and those of results", async () => {
    let isStuck = false;
    const { url, folder, server } = await started({
      trainingSets: {
        parquet: {
          ...stuckWriter,
          writeParquet: async (file, content) =>
            isStuck ? stuckWriter.writeParquet(file, content) : delta.writeParquet(file, content),
        },
      },
    });
    await ended(url, (await post(`${url}?features=weekly`, lines(ROWS))).job);
    isStuck = true;
    await post(`${url}?features=weekly`, lines(ROWS));
    expect(readdirSync(folder).length).toBe(2);
    await server.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("a training set that has ended", () => {
  test("may be received slowly; a caller that receives nothing is disconnected", async () => {
    const size = 64 << 20;
    const { url } = await started({
      timeouts: { answer: "500ms" },
      trainingSets: {
        parquet: {
          ...delta,
          async writeParquet(file) {
            writeFileSync(file, Buffer.alloc(size));
          },
        },
      },
    });
    const { job } = await post(`${url}?features=weekly`, lines(ROWS));
    await ended(url, job);
    const receive = async (pause: (bytes: number) => Promise<unknown>): Promise<number> => {
      let received = 0;
      try {
        const { body } = await fetch(`${url}/${job.id}/result`);
        for await (const chunk of body!) await pause((received += chunk.length));
      } catch {
        // the server closed the connection
      }
      return received;
    };
    const start = performance.now();
    let slept = 0;
    const slow = await receive(async (bytes) => {
      if (bytes < (slept + 1) * (size / 8)) return;
      slept++;
      await sleep(200);
    });
    expect(slow).toBe(size);
    expect(performance.now() - start).toBeGreaterThan(1500);
    let paused = false;
    const stopped = await receive(async () => {
      if (!paused) await sleep(2000);
      paused = true;
    });
    expect(stopped).toBeLessThan(size);
  });

  test("is kept for timeouts.trainingSet, up to limits.trainingSetsKept", async () => {
    let time = Date.UTC(2026, 0, 5, 12);
    const { url, folder } = await started({
      timeouts: { trainingSet: "1h" },
      limits: { trainingSetsKept: 2 },
      trainingSets: { parquet: delta, clock: () => new Date(time) },
    });
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      time += 60_000;
      const { job } = await post(`${url}?features=weekly`, lines(ROWS));
      const { ended: at, expires } = await ended(url, job);
      expect([at, expires]).toEqual(
        [time, time + 3_600_000].map((ms) => new Date(ms).toISOString()),
      );
      ids.push(job.id);
    }
    const statuses = (): Promise<number[]> =>
      Promise.all(ids.map(async (id) => (await fetch(`${url}/${id}`)).status));
    for (let tries = 0; tries < 50 && readdirSync(folder).length > 2; tries++) await sleep(20);
    expect(await statuses()).toEqual([404, 200, 200]);
    time += 3_600_000 - 60_000;
    expect(await statuses()).toEqual([404, 404, 200]);
    expect(readdirSync(folder)).toEqual([ids[2]]);
  });

  test("is known to its caller alone", async () => {
    const token = (name: string) => ({
      name,
      scopes: ["read" as const],
      token: `${name}-0123456789abcdef`,
    });
    const { url } = await started({ tokens: [token("ann"), token("bob")] });
    const as = (name: string): { readonly authorization: string } => ({
      authorization: `Bearer ${token(name).token}`,
    });
    const { job } = await post(`${url}?features=weekly`, lines(ROWS), { ...NDJSON, ...as("ann") });
    expect((await fetch(`${url}/${job.id}`, { headers: as("ann") })).status).toBe(200);
    const { job: second } = await post(`${url}?features=profile`, lines(ROWS), {
      ...NDJSON,
      ...as("ann"),
    });
    const listed = async (name: string): Promise<readonly string[]> => {
      const answer = await fetch(url, { headers: as(name) });
      const { trainingSets } = (await answer.json()) as { trainingSets: readonly Answer["job"][] };
      return trainingSets.map(({ id }) => id);
    };
    expect((await listed("ann")).toSorted()).toEqual([job.id, second.id].toSorted());
    expect((await listed("ann"))[0]).toBe(second.id);
    expect(await listed("bob")).toEqual([]);
    expect((await fetch(url)).status).toBe(401);
    const other = await fetch(`${url}/${job.id}`, { headers: as("bob") });
    expect([other.status, ((await other.json()) as Answer).code]).toEqual([
      404,
      "TRAINING_SET_UNKNOWN",
    ]);
    expect((await fetch(`${url}/${job.id}`, { method: "DELETE", headers: as("bob") })).status).toBe(
      404,
    );
    expect((await fetch(`${url}/${job.id}`)).status).toBe(401);
  });
});

describe("servers that share a folder", () => {
  test("know the training sets of each other, and abort them", async () => {
    const folder = newFolder();
    const first = await started({ trainingSets: { parquet: stuckWriter, folder } });
    const second = await started({ trainingSets: { parquet: delta, folder } });
    const done = await post(`${second.url}?features=weekly`, lines(ROWS));
    await ended(second.url, done.job);
    const result = await fetch(`${first.url}/${done.job.id}/result`);
    expect((await parquetRows(await result.arrayBuffer())).length).toBe(5);
    const { job } = await post(`${first.url}?features=weekly`, lines(ROWS));
    expect(await (await fetch(`${second.url}/${job.id}`)).json()).toMatchObject({
      state: "running",
    });
    expect(await (await fetch(second.url)).json()).toMatchObject({
      trainingSets: [
        { id: job.id, state: "running" },
        { id: done.job.id, state: "done" },
      ],
    });
    expect((await fetch(`${second.url}/${job.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(`${first.url}/${job.id}`)).status).toBe(404);
    expect((await first.server.app.inject("/metrics")).body).toContain(
      "tidemark_training_sets_running 0\n",
    );
  });

  test("find that a training set is lost when its process has died", async () => {
    const folder = newFolder();
    const first = await started({ trainingSets: { parquet: stuckWriter, folder } });
    const { job } = await post(`${first.url}?features=weekly`, lines(ROWS));
    // the state of a process that died half a minute ago
    const dead = join(folder, "0".repeat(32));
    mkdirSync(dead);
    writeFileSync(join(dead, "entities"), "");
    const state = join(dead, "state.json");
    writeFileSync(
      state,
      readFileSync(join(folder, job.id, "state.json"), "utf8").replaceAll(job.id, "0".repeat(32)),
    );
    const url = `${first.url}/${"0".repeat(32)}`;
    expect(await (await fetch(url)).json()).toMatchObject({ state: "running" });
    utimesSync(state, Date.now() / 1000 - 31, Date.now() / 1000 - 31);
    expect(await (await fetch(url)).json()).toMatchObject({
      state: "failed",
      error: { code: "TRAINING_SET_LOST" },
    });
    expect(readdirSync(dead)).toEqual(["state.json"]);
    expect((await fetch(`${url}/result`)).status).toBe(410);
    // the next server removes what is no longer kept
    const after = (): Date => new Date(Date.now() + 2 * 3_600_000);
    await started({ trainingSets: { parquet: delta, folder, clock: after } });
    await expect.poll(() => readdirSync(folder)).toEqual([job.id]);
  });
});

test("a server without a history or without the option refuses training sets", async () => {
  const server = await shopServer({ trainingSets: { parquet: delta, folder: newFolder() } }, null);
  const other = await shopServer();
  servers.push(server, other);
  const ask = { method: "POST", url: "/v1/training-set?features=weekly", payload: ROW } as const;
  const answer = await server.app.inject(ask);
  expect([answer.statusCode, (answer.json() as Answer).code]).toEqual([422, "STORE_MISSING"]);
  expect((await other.app.inject(ask)).statusCode).toBe(404);
  const put = await server.app.inject({ method: "PUT", url: "/v1/training-set/1" });
  expect([put.statusCode, put.headers["allow"]]).toEqual([405, "GET, HEAD, DELETE"]);
});
