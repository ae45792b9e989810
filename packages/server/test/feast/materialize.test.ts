import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { shopServer } from "../support/shop-server.ts";
import { feastPost } from "./ask.ts";

let server: Awaited<ReturnType<typeof shopServer>>;
beforeEach(async () => {
  server = await shopServer();
});
afterEach(() => server.close());

const post = (url: string, body: object) =>
  server.app.inject({ method: "POST", url, payload: body });
const DAYS = {
  start_ts: "2026-01-03T00:00:00",
  end_ts: "2026-01-05T10:00:00Z",
  feature_views: ["weekly"],
};
const served = (): Promise<unknown> =>
  server.store.getMaterialized({ view: "weekly", entities: [{ user_id: "ann" }] } as never).then(
    (rows: readonly unknown[]) => rows[0],
    (error: { code?: string }) => error.code,
  );

describe("POST /materialize", () => {
  test("materializes the days that end in the interval, and serves the newest day", async () => {
    const materialize = vi.spyOn(server.store, "materialize");
    const answer = await post("/materialize", DAYS);
    expect([answer.statusCode, answer.body]).toEqual([200, "null"]);
    expect(materialize.mock.calls[0]![0]).toMatchObject({
      views: ["weekly"],
      from: "2026-01-03",
      to: "2026-01-05",
      zone: "UTC",
    });
    const { views } = await (materialize.mock.results[0]!.value as ReturnType<
      typeof server.store.materialize
    >);
    expect(views[0]).toMatchObject({
      view: "weekly",
      online: "2026-01-04",
      dates: [{ date: "2026-01-03" }, { date: "2026-01-04" }],
    });
    expect(await served()).not.toBe("MATERIALIZE_NOT_BEGUN");
  });

  test("/materialize-incremental adds the days since the last materialized day", async () => {
    await post("/materialize", DAYS);
    const materialize = vi.spyOn(server.store, "materialize");
    expect(
      (
        await post("/materialize-incremental", {
          end_ts: "2026-01-05T12:00:00+00:00",
          feature_views: ["weekly"],
        })
      ).statusCode,
    ).toBe(200);
    expect(materialize.mock.calls[0]![0]).toMatchObject({ incremental: true, to: "2026-01-05" });
  });

  test("?async=true answers 202 at once; a second request is 409 until then", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const real = server.store.materialize.bind(server.store);
    const materialize = vi
      .spyOn(server.store, "materialize")
      .mockImplementation(async (options) => {
        await held;
        return real(options);
      });
    const accepted = await post("/materialize?async=true", DAYS);
    expect([accepted.statusCode, accepted.json()]).toEqual([
      202,
      { status: "accepted", feature_views: ["weekly"] },
    ]);
    for (const url of ["/materialize?async=true&force=true", "/materialize"]) {
      const second = await post(url, DAYS);
      expect([second.statusCode, second.json()]).toMatchObject([
        409,
        { error: expect.stringContaining("weekly") as string, feature_views: ["weekly"] },
      ]);
    }
    release();
    await materialize.mock.results[0]!.value;
    await turn();
    materialize.mockRestore();
    expect((await post("/materialize", DAYS)).statusCode).toBe(200);
  });

  test("closing the server stops running materializations", async () => {
    let aborted = false;
    vi.spyOn(server.store, "materialize").mockImplementation(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal!.addEventListener("abort", () => {
            aborted = true;
            reject(new Error("aborted"));
          });
        }),
    );
    expect((await post("/materialize?async=1", DAYS)).statusCode).toBe(202);
    await server.close();
    expect(aborted).toBe(true);
  });

  test.each<[string, string, object, number, string]>([
    [
      "start after end",
      "",
      { ...DAYS, start_ts: "2026-01-06T00:00:00Z" },
      422,
      "is not before end_ts",
    ],
    [
      "an interval in which no day ends",
      "",
      { ...DAYS, start_ts: "2026-01-05T00:00:00Z" },
      422,
      "no whole day of zone UTC",
    ],
    [
      "a text that is not a time",
      "",
      { ...DAYS, end_ts: "yesterday" },
      422,
      'end_ts \\"yesterday\\" is not a time',
    ],
    ["30 February", "", { ...DAYS, end_ts: "2026-02-30" }, 422, "is not a time"],
    [
      "a time out of range",
      "",
      { ...DAYS, start_ts: "0001-01-01T00:00:00Z" },
      422,
      "is not a time",
    ],
    [
      "an interval of more than 3660 days",
      "",
      { ...DAYS, start_ts: "1900-01-01" },
      422,
      "more than 3660 days",
    ],
    ["a day that is not over", "", { ...DAYS, end_ts: "2030-01-01" }, 422, "DATE_NOT_OVER"],
    [
      "a misspelt view",
      "",
      { ...DAYS, feature_views: ["wekly"] },
      404,
      'did you mean \\"weekly\\"?',
    ],
    ["a version", "", { ...DAYS, version: "v1" }, 422, "Tidemark has no versions"],
    [
      "disable_event_timestamp",
      "",
      { ...DAYS, disable_event_timestamp: true },
      422,
      "give start_ts and end_ts",
    ],
    ["no start_ts", "", { end_ts: DAYS.end_ts }, 422, "Field required"],
    ["an async flag that is not a boolean", "?async=maybe", DAYS, 422, "valid boolean"],
  ])("%s is refused", async (_, query, body, status, message) => {
    const answer = await feastPost(server.app, `/materialize${query}`, body);
    expect(answer.text.replaceAll('\\\\\\"', '\\"')).toContain(message);
    expect(answer.status).toBe(status);
  });
});
