/** Tests times of messages that are no commit times. */
import type { RecordedMessage } from "@tidemark/source-debezium";
import { describe, expect, test } from "vitest";
import { column } from "../support/sources.ts";
import { startDecoder } from "../support/fixtures.ts";
import { COMMITTED, messageOf, readChanges, sourceOf, warnings } from "../support/wire.ts";

const source = sourceOf([column("c", "string")]);
const BROKER = COMMITTED + 120_000 + 999;
const withTimes = (block: object, timestamp: number | null = COMMITTED / 1000 + 120) => ({
  ...messageOf('{"id":1,"c":"x"}', { block: { ts_us: undefined, ...block } }),
  timestamp,
});
const committedOf = (message: RecordedMessage): number | null =>
  readChanges(source, [message])[0]!.committed;

describe("a time that is no commit time gives way to the next, and to the broker's", () => {
  test.each([
    ["ts_ms 0", { ts_ms: 0 }, BROKER],
    ["ts_us 0 and a ts_ms", { ts_us: 0, ts_ms: 1_749_114_000_000 }, COMMITTED + 999],
    ["ts_us 0 and ts_ms 0", { ts_us: 0, ts_ms: 0 }, BROKER],
    ["a negative ts_ms", { ts_ms: -1 }, BROKER],
    ["ts_ns alone", { ts_ns: 1_749_114_000_000_000_000 }, COMMITTED],
    ["ts_ms in seconds", { ts_ms: 1_749_114_000 }, BROKER],
    ["ts_ms in microseconds", { ts_ms: COMMITTED }, BROKER],
    ["a ts_us of next month", { ts_us: COMMITTED + 30 * 86_400e6 }, BROKER],
    ["a clock an hour ahead", { ts_us: COMMITTED + 3_600e6 }, COMMITTED + 3_600e6],
    ["a commit of 2001, sent today", { ts_us: 1e15 }, 1e15],
    ["no time at all", {}, BROKER],
  ])("%s", (_, block, committed) => {
    expect(committedOf(withTimes(block))).toBe(committed);
  });

  test("a ts_ms of 0 is told with its place", () => {
    const { codes, texts, onWarning } = warnings();
    readChanges(source, [withTimes({ ts_ms: 0 }), withTimes({ ts_ms: 0 })], { onWarning });
    expect(codes).toEqual(["COMMIT_TIME_FROM_BROKER"]);
    expect(texts[0]).toContain("p.public.t, partition 0, offset 7: source.ts_ms 0");
  });

  test("a log of 1970 keeps its times, as a test of a user may write it", () => {
    expect(committedOf(withTimes({ ts_us: 5 }, 1))).toBe(5);
  });

  test("without a broker's time an unknown commit time is told", () => {
    const { codes, onWarning } = warnings();
    const [none, minus] = readChanges(
      source,
      [withTimes({ ts_ms: 0 }, null), withTimes({ ts_ms: 0 }, -1)],
      { onWarning },
    );
    expect([none!.committed, minus!.committed]).toEqual([null, null]);
    expect(codes).toEqual(["COMMIT_TIME_UNKNOWN"]);
  });

  test("unwrapped rows follow the same rule", () => {
    const decode = startDecoder([source]);
    const value = { id: 1, c: "x", __deleted: "false", __op: "r", __source_ts_ms: 0 };
    const message = { ...withTimes({}), value: JSON.stringify(value) };
    expect(decode(message)!.committed).toBe(BROKER);
  });
});
