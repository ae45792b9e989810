import assert from "node:assert/strict";
import { ListMultipartUploadsCommand, PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { isTidemarkError } from "@tidemark/core";
import { batchOf } from "@tidemark/core/spi";
import { deltaOfflineStore, type ObjectStore } from "@tidemark/delta";
import { type Minio, startMinio } from "@tidemark/testkit/services/minio";
import { freePorts } from "@tidemark/testkit/services/process";
import { afterAll, describe, onTestFinished, test } from "vitest";
import { minioServer, suiteNeeding } from "@tidemark/testkit/needs";
import { s3Objects } from "../src/index.ts";
import { MAX_ATTEMPTS } from "../src/client.ts";
import { PART_BYTES } from "../src/upload.ts";
import { keysOf, minioBuckets } from "./buckets.ts";
import { type Proxy, proxyTo } from "./proxy.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | null): string | null =>
  content === null ? null : new TextDecoder().decode(content);
const expectError = (code: string, call: () => Promise<unknown>, message = /./): Promise<void> =>
  assert.rejects(call, (error) => {
    assert.ok(isTidemarkError<string>(error, code), String(error));
    assert.match(error.message, message);
    return true;
  });

suiteNeeding(minioServer(), "when a real MinIO is behind a bad network", () => {
  let own: Minio | undefined;
  // the last test kills it
  const buckets = minioBuckets(async () => (own = await startMinio()));
  afterAll(() => own?.stop());
  const behind = async (bucket: string): Promise<{ proxy: Proxy; objects: ObjectStore }> => {
    const proxy = await proxyTo(buckets.minio.endpoint);
    const objects = buckets.objects(bucket, { endpoint: proxy.endpoint });
    await objects.put("made", bytes("the probe is behind us"));
    proxy.seen.length = 0;
    return { proxy, objects };
  };
  const client = (more: ConstructorParameters<typeof S3Client>[0] = {}): S3Client => {
    const { endpoint, region, credentials } = buckets.minio;
    const made = new S3Client({ endpoint, region, credentials, forcePathStyle: true, ...more });
    onTestFinished(() => {
      made.destroy();
    });
    return made;
  };

  describe("creates", () => {
    test("a create whose answer was lost is sent again and recognizes its own object", async () => {
      const { proxy, objects } = await behind(await buckets.make());
      proxy.plan("lose the answer");
      assert.equal(await objects.createIfAbsent("log/0.json", bytes("mine")), true);
      assert.deepEqual(
        proxy.seen.map((line) => line.split(" ")[0]),
        ["PUT", "PUT", "HEAD"],
      );
      assert.equal(text(await objects.read("log/0.json")), "mine");
    });

    test("a create that was lost while another won fails, even with equal content", async () => {
      const bucket = await buckets.make();
      const { proxy, objects } = await behind(bucket);
      proxy.plan("refuse");
      assert.equal(await buckets.objects(bucket).createIfAbsent("log/0.json", bytes("same")), true);
      assert.equal(await objects.createIfAbsent("log/0.json", bytes("same")), false);
    });

    test("if every answer is lost the object is read; without answers it is an error", async () => {
      const { proxy, objects } = await behind(await buckets.make());
      proxy.plan(...Array.from({ length: MAX_ATTEMPTS }, () => "lose the answer" as const));
      assert.equal(await objects.createIfAbsent("log/0.json", bytes("mine")), true);
      proxy.plan(...Array.from({ length: 2 * MAX_ATTEMPTS }, () => "lose the answer" as const));
      await expectError(
        "OBJECTS_UNREACHABLE",
        () => objects.createIfAbsent("log/1.json", bytes("mine")),
        /ECONNRESET after 7 attempts at "log\/1\.json"/,
      );
      assert.equal(await objects.createIfAbsent("log/1.json", bytes("again")), false);
    });

    test("one that met another under way is tried again", async () => {
      const { proxy, objects } = await behind(await buckets.make());
      proxy.plan(409, 409);
      assert.equal(await objects.createIfAbsent("log/0.json", bytes("mine")), true);
    });

    test("a table whose commits lose answers and are refused has every append once", async () => {
      const bucket = await buckets.make();
      let count = 0;
      const proxy = await proxyTo(buckets.minio.endpoint, ({ method }) =>
        ++count % 7 === 0 ? 503 : method === "PUT" && count % 3 === 0 ? "lose the answer" : "pass",
      );
      const columns = [{ name: "n", database: "n", type: "int64", nullable: false }] as const;
      const store = deltaOfflineStore(buckets.objects(bucket, { endpoint: proxy.endpoint }), {
        checkpointEvery: 5,
      });
      for (let n = 0; n < 20; n++)
        assert.equal(
          await store.append(
            { name: "t", columns, partitionBy: [] },
            [batchOf(columns, [[BigInt(n)]])],
            { positions: [] },
          ),
          "done",
        );
      const state = (await deltaOfflineStore(buckets.objects(bucket)).state("t"))!;
      assert.deepEqual([state.rows, state.version], [20, 19]);
    });
  });

  describe("the probe", () => {
    /**
     * Makes a bucket that anonymous requests may write. A request that lost its signature with the
     * header is then accepted as anonymous.
     */
    const openBucket = async (): Promise<string> => {
      const bucket = await buckets.make();
      const Statement = [
        {
          Effect: "Allow",
          Principal: "*",
          Action: ["s3:*"],
          Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
        },
      ];
      await client().send(
        new PutBucketPolicyCommand({
          Bucket: bucket,
          Policy: JSON.stringify({ Version: "2012-10-17", Statement }),
        }),
      );
      return bucket;
    };

    test("a server that ignores If-None-Match is refused before any other write", async () => {
      const bucket = await openBucket();
      const proxy = await proxyTo(buckets.minio.endpoint, () => "strip");
      const objects = buckets.objects(bucket, { endpoint: proxy.endpoint });
      for (const write of [
        () => objects.createIfAbsent("a", bytes("x")),
        () => objects.put("a", bytes("x")),
      ]) {
        await expectError(
          "OBJECTS_CREATE_UNSAFE",
          write,
          /ignores "If-None-Match: \*".*MinIO.*proxy/,
        );
      }
      assert.deepEqual(await keysOf(buckets.objects(bucket)), []);
      assert.equal(await objects.read("a"), null, "reading is safe there");
      // The same proxy is accepted if it passes the header on.
      assert.equal(
        await buckets
          .objects(bucket, { endpoint: (await proxyTo(buckets.minio.endpoint)).endpoint })
          .createIfAbsent("a", bytes("x")),
        true,
      );
    });

    test("a server that does not know the header is refused too", async () => {
      const proxy = await proxyTo(buckets.minio.endpoint, ({ headers }) =>
        headers["if-none-match"] === undefined ? "pass" : 501,
      );
      const objects = s3Objects({
        ...buckets.options(await buckets.make()),
        endpoint: proxy.endpoint,
      });
      await expectError(
        "OBJECTS_CREATE_UNSAFE",
        () => objects.createIfAbsent("a", bytes("x")),
        /does not know/,
      );
    });

    test("probes once before the first write; a probed bucket takes one request", async () => {
      const bucket = await buckets.make();
      const proxy = await proxyTo(buckets.minio.endpoint);
      const objects = buckets.objects(bucket, { endpoint: proxy.endpoint });
      await objects.read("a");
      await keysOf(objects);
      assert.ok(
        proxy.seen.every((line) => line.startsWith("GET")),
        "who reads needs no right to write",
      );
      for (const key of ["a", "b", "c"]) await objects.put(key, bytes(key));
      assert.deepEqual(
        proxy.seen.filter((line) => line.includes(".tidemark")).map((line) => line.split(" ")[0]),
        ["PUT", "PUT", "HEAD"],
      );
      proxy.seen.length = 0;
      await buckets.objects(bucket, { endpoint: proxy.endpoint }).put("d", bytes("d"));
      assert.deepEqual(
        proxy.seen.map((line) => line.split(" ")[0]),
        ["PUT", "HEAD", "PUT"],
      );
      assert.deepEqual(
        await keysOf(objects),
        ["a", "b", "c", "d"],
        "no list shows what the probe made",
      );
    });
  });

  describe("reads", () => {
    test("an answer that breaks off is asked for again; whole or not at all", async () => {
      const { proxy, objects } = await behind(await buckets.make());
      const content = new Uint8Array(300_000).map((_, i) => i % 251);
      await objects.put("large", content);
      proxy.plan("break off", "break off");
      assert.deepEqual(await objects.read("large"), content);
      proxy.plan("break off");
      assert.deepEqual(
        await objects.read("large", { from: 1000, to: 200_000 }),
        content.slice(1000, 200_000),
      );
      proxy.plan(...Array.from({ length: 5 }, () => "break off" as const));
      await expectError("OBJECTS_UNREACHABLE", () => objects.read("large"));
    });

    test("a busy server is asked again", async () => {
      const { proxy, objects } = await behind(await buckets.make());
      proxy.plan(503, 500, "refuse");
      assert.equal(text(await objects.read("made")), "the probe is behind us");
    });

    test("a server that shuts down under a request is unreachable for now", async () => {
      const { proxy, objects } = await behind(await buckets.make());
      proxy.plan(499);
      await assert.rejects(() => objects.put("made", bytes("again")), {
        code: "OBJECTS_UNREACHABLE",
        retryable: true,
      });
    });

    test("a list goes over its pages, and what it names goes in two requests", async () => {
      const bucket = await buckets.make();
      const objects = buckets.objects(bucket, { prefix: "lake" });
      await objects.put("t/0000", bytes("x"));
      const names = Array.from({ length: 1100 }, (_, i) => `t/${String(i).padStart(4, "0")}`);
      for (let from = 0; from < names.length; from += 50)
        await Promise.all(names.slice(from, from + 50).map((key) => objects.put(key, bytes(key))));
      assert.deepEqual(await keysOf(objects, "t/"), names);
      const proxy = await proxyTo(buckets.minio.endpoint);
      await buckets.objects(bucket, { prefix: "lake", endpoint: proxy.endpoint }).deleteAll!([
        ...names,
        "t/never",
      ]);
      assert.deepEqual(
        proxy.seen.map((line) => line.split(" ")[0]),
        ["POST", "POST"],
        "two requests remove 1,101 objects",
      );
      assert.deepEqual(await keysOf(objects), []);
    });
  });

  describe("uploads", () => {
    const pieces = async function* (
      count: number,
      log: { live: number } = { live: 0 },
      fail = false,
    ): AsyncGenerator<Uint8Array> {
      const piece = new Uint8Array(1 << 20);
      for (let i = 0; i < count; i++) {
        log.live = i;
        yield piece.fill(i);
      }
      if (fail) throw new Error("the writer died");
    };
    const unfinished = async (bucket: string): Promise<number> =>
      (await client().send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: "big" })))
        .Uploads?.length ?? 0;
    const expectPieces = async (
      objects: ObjectStore,
      key: string,
      count: number,
    ): Promise<void> => {
      assert.equal(await objects.size(key), count << 20);
      for (const at of [0, (PART_BYTES >> 20) - 1, PART_BYTES >> 20, count - 1])
        assert.deepEqual(
          [...(await objects.read(key, { from: (at << 20) + 5, to: (at << 20) + 8 }))!],
          [at, at, at],
        );
    };

    test("large content is sent in parts, also from a stream that reuses its memory", async () => {
      const bucket = await buckets.make();
      const { proxy, objects } = await behind(bucket);
      proxy.plan("pass", "lose the answer", 503);
      await objects.put("big/stream", pieces(37));
      await expectPieces(objects, "big/stream", 37);
      assert.equal(
        new Set(
          proxy.seen
            .filter((line) => line.startsWith("PUT") && line.includes("partNumber="))
            .map((line) => /partNumber=(\d+)/.exec(line)![1]),
        ).size,
        5,
      );
      await objects.put(
        "big/array",
        new Uint8Array(20 << 20).map((_, i) => i >> 20),
      );
      await expectPieces(objects, "big/array", 20);
      await objects.put("big/exact", pieces(PART_BYTES >> 20));
      assert.equal(await objects.size("big/exact"), PART_BYTES);
      assert.equal(await unfinished(bucket), 0);
    });

    test("the end of an upload whose answer was lost is its own success", async () => {
      const bucket = await buckets.make();
      const { proxy, objects } = await behind(bucket);
      proxy.plan("pass", "pass", "pass", "lose the answer"); // create, two parts, complete
      await objects.put("big/o", pieces(10));
      assert.equal(
        proxy.seen.filter((line) => line.startsWith("POST") && line.includes("uploadId=")).length,
        2,
      );
      await expectPieces(objects, "big/o", 10);
    });

    test("a failed upload throws the writer's error and leaves no key and no parts", async () => {
      const bucket = await buckets.make();
      const { proxy, objects } = await behind(bucket);
      await assert.rejects(
        () => objects.put("big/o", pieces(20, { live: 0 }, true)),
        /the writer died/,
      );
      const stop = new AbortController();
      await assert.rejects(
        () =>
          objects.put(
            "big/o",
            (async function* () {
              yield* pieces(18);
              stop.abort(new Error("enough"));
              yield* pieces(18);
            })(),
            { signal: stop.signal },
          ),
        /enough/,
      );
      proxy.plan("pass", 400);
      await expectError("OBJECTS_FAILED", () => objects.put("big/o", pieces(40)), /HTTP 400/);
      assert.equal(await unfinished(bucket), 0);
      assert.deepEqual(await keysOf(objects), ["made"]);
    });

    test("a slow server holds back the writer: at most four parts are in memory", async () => {
      const bucket = await buckets.make();
      const proxy = await proxyTo(buckets.minio.endpoint, ({ url }) =>
        url!.includes("partNumber=") ? "stall" : "pass",
      );
      const objects = buckets.objects(bucket, { endpoint: proxy.endpoint });
      const log = { live: 0 };
      const stop = new AbortController();
      setTimeout(() => {
        stop.abort();
      }, 2000);
      await assert.rejects(() => objects.put("big/o", pieces(500, log), { signal: stop.signal }), {
        name: "AbortError",
      });
      assert.ok(log.live < 4 * (PART_BYTES >> 20), `${log.live} MiB were taken`);
      assert.equal(await unfinished(bucket), 0);
    });
  });

  describe("time", () => {
    test("a call is given up when its signal says so, with the caller's reason", async () => {
      const { proxy, objects } = await behind(await buckets.make());
      for (const call of [
        (signal: AbortSignal) => objects.read("made", undefined, { signal }),
        (signal: AbortSignal) => objects.createIfAbsent("k", bytes("x"), { signal }),
        (signal: AbortSignal) => objects.put("k", bytes("x"), { signal }),
        (signal: AbortSignal) => objects.delete("k", { signal }),
        (signal: AbortSignal) => objects.size("k", { signal }),
        (signal: AbortSignal) => objects.deleteAll!(["k"], { signal }),
        async (signal: AbortSignal) => {
          for await (const _ of objects.list("", { signal }));
        },
      ]) {
        proxy.plan("stall");
        const started = performance.now();
        await assert.rejects(() => call(AbortSignal.timeout(100)), { name: "TimeoutError" });
        assert.ok(performance.now() - started < 2000);
      }
    });

    test("a server that never answers is asked again after the client's timeout", async () => {
      const bucket = await buckets.make();
      const proxy = await proxyTo(buckets.minio.endpoint);
      const objects = s3Objects({
        bucket,
        client: client({
          endpoint: proxy.endpoint,
          maxAttempts: 3,
          requestHandler: { requestTimeout: 200, throwOnRequestTimeout: true },
        }),
      });
      await objects.put("a", bytes("x"));
      proxy.plan("stall");
      assert.equal(text(await objects.read("a")), "x");
      proxy.plan("stall", "stall", "stall");
      await expectError(
        "OBJECTS_UNREACHABLE",
        () => objects.read("a"),
        /ETIMEDOUT after 3 attempts/,
      );
    });

    test("an answer that stops midway is requested again, or aborted", async () => {
      const bucket = await buckets.make();
      const proxy = await proxyTo(buckets.minio.endpoint);
      const objects = s3Objects({
        bucket,
        client: client({ endpoint: proxy.endpoint, requestHandler: { socketTimeout: 300 } }),
      });
      const content = new Uint8Array(200_000).fill(7);
      await objects.put("a", content);
      proxy.plan("halt");
      assert.deepEqual(await objects.read("a"), content);
      proxy.plan("halt");
      await assert.rejects(
        () => objects.read("a", undefined, { signal: AbortSignal.timeout(100) }),
        { name: "TimeoutError" },
      );
    });
  });

  describe("what goes wrong has a code and a next step", () => {
    test("no such bucket", async () => {
      const objects = buckets.objects("never-made");
      await expectError(
        "OBJECTS_BUCKET_MISSING",
        () => objects.put("a", bytes("x")),
        /s3:\/\/never-made at http.*make it/,
      );
      await expectError("OBJECTS_BUCKET_MISSING", () => objects.read("a"));
      await expectError("OBJECTS_BUCKET_MISSING", () => keysOf(objects));
      await expectError("OBJECTS_BUCKET_MISSING", () => objects.deleteAll!(["a"]));
    });

    test("a wrong key, a wrong secret, and a user who may not", async () => {
      const bucket = await buckets.make();
      const { accessKeyId } = buckets.minio.credentials;
      for (const credentials of [
        { accessKeyId: "nobody", secretAccessKey: "nothing-known" },
        { accessKeyId, secretAccessKey: "another-secret" },
        async () => ({ accessKeyId, secretAccessKey: "another-secret" }),
      ]) {
        const objects = buckets.objects(bucket, { credentials });
        await expectError("OBJECTS_DENIED", () => objects.put("a", bytes("x")), /access key/);
        await expectError("OBJECTS_DENIED", () => objects.size("a"), /access key/);
      }
      const Deny = [
        {
          Effect: "Allow",
          Principal: "*",
          Action: ["s3:GetObject"],
          Resource: [`arn:aws:s3:::${bucket}/*`],
        },
      ];
      await client().send(
        new PutBucketPolicyCommand({
          Bucket: bucket,
          Policy: JSON.stringify({ Version: "2012-10-17", Statement: Deny }),
        }),
      );
      await buckets.objects(bucket).put("a", bytes("x"));
      const anybody = s3Objects({
        bucket,
        client: client({ signer: { sign: async (request) => request } }),
      });
      assert.equal(text(await anybody.read("a")), "x");
      await expectError("OBJECTS_DENIED", () => anybody.put("a", bytes("y")), /AccessDenied/);
      await expectError("OBJECTS_DENIED", () => anybody.deleteAll!(["a"]), /AccessDenied/);
    });

    test("nobody listens, or there is no such host", async () => {
      const [port] = await freePorts(1);
      const { credentials } = buckets.minio;
      await expectError(
        "OBJECTS_UNREACHABLE",
        () =>
          s3Objects({ bucket: "b", endpoint: `http://127.0.0.1:${port}`, credentials }).read("a"),
        /check the endpoint/,
      );
      await expectError(
        "OBJECTS_UNREACHABLE",
        () =>
          s3Objects({ bucket: "b", endpoint: "http://nowhere.invalid:9000", credentials }).read(
            "a",
          ),
        /check the endpoint/,
      );
    });

    test("a key that the server does not take", async () => {
      const objects = buckets.objects(await buckets.make());
      await expectError("OBJECTS_BAD_KEY", () => objects.put("x".repeat(2000), bytes("x")));
      await expectError("OBJECTS_BAD_KEY", () => objects.put(".tidemark/x", bytes("x")));
    });
  });

  test("a MinIO outage is a named error; afterwards everything is as before", async () => {
    const objects = buckets.objects(await buckets.make());
    assert.equal(await objects.createIfAbsent("log/0.json", bytes("first")), true);
    await buckets.minio.halt("SIGKILL");
    await expectError("OBJECTS_UNREACHABLE", () =>
      objects.createIfAbsent("log/1.json", bytes("second")),
    );
    await buckets.minio.resume();
    assert.equal(await objects.createIfAbsent("log/0.json", bytes("again")), false);
    assert.equal(await objects.createIfAbsent("log/1.json", bytes("second")), true);
    assert.deepEqual(await keysOf(objects), ["log/0.json", "log/1.json"]);
  });
});
