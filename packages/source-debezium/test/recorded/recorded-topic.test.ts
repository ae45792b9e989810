import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Change, ChangeBatch, Position, SourceSpec } from "@tidemark/core/spi";
import { recordedTopic, type RecordedTopicOptions } from "@tidemark/source-debezium";
import { afterAll, describe, expect, test } from "vitest";
import { fixture, withoutWarnings } from "../support/fixtures.ts";
import { all, transactions } from "../support/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "tidemark-recorded-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
let files = 0;
const file = (content: string | Buffer, name = `${files++}.jsonl`): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const bare = fixture("bare.public.transaction_data.jsonl");
const lines = readFileSync(bare, "utf8").trim().split("\n");
const NAME = "bare.public.transaction_data:0";

async function batches(
  path: string | readonly string[],
  after: readonly Position[] = [],
  options: RecordedTopicOptions = {},
  sources: readonly SourceSpec[] = [transactions],
): Promise<ChangeBatch[]> {
  const all: ChangeBatch[] = [];
  for await (const batch of recordedTopic(path, { ...withoutWarnings, ...options }).changes({
    sources,
    after,
  }))
    all.push(batch);
  return all;
}
const changes = async (...call: Parameters<typeof batches>): Promise<Change[]> =>
  (await batches(...call)).flatMap(({ changes }) => changes);
const offsets = async (...call: Parameters<typeof batches>): Promise<number[]> =>
  (await changes(...call)).map(({ offset }) => offset);
const fails = (code: string, message: RegExp): unknown =>
  expect.objectContaining({
    name: "TidemarkError",
    code,
    message: expect.stringMatching(message) as string,
  });
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("reading", () => {
  test("gzipped files, no last line break, blank lines and very long lines are read", async () => {
    const expected = await changes(bare);
    expect(expected).toHaveLength(38);
    expect(await changes(file(gzipSync(readFileSync(bare)), "topic.jsonl.gz"))).toEqual(expected);
    expect(await changes(file(`\n${lines.join("\r\n\n")}`))).toEqual(expected);
    const long = JSON.stringify({
      ...(JSON.parse(lines[0]!) as object),
      value: (JSON.parse(lines[0]!) as { value: string }).value.replace(
        "Online Shopping",
        "ă".repeat(400_000),
      ),
    });
    const [first, ...rest] = await changes(file([long, ...lines.slice(1)].join("\n")));
    expect(first!.values![3]).toBe("ă".repeat(400_000));
    expect(rest).toEqual(expected.slice(1));
  });

  test("several files are read in their order, and a partition may span them", async () => {
    const half = [file(lines.slice(0, 20).join("\n")), file(lines.slice(20).join("\n"))];
    expect(await offsets(half)).toEqual(upTo(38));
    await expect(offsets(half.toReversed())).rejects.toEqual(
      fails("TOPIC_LINE_INVALID", /\d\.jsonl:1: offset 0 .* after offset 37/),
    );
  });

  test("a batch is bounded by changes and by size, and carries its last position", async () => {
    expect(
      (await batches(bare, [], { batchChanges: 10 })).map(({ changes, positions }) => [
        changes.length,
        positions.map(({ partition, offset }) => [partition, offset]),
      ]),
    ).toEqual([
      [10, [[NAME, 9]]],
      [10, [[NAME, 19]]],
      [10, [[NAME, 29]]],
      [8, [[NAME, 37]]],
    ]);
    expect(
      (await batches(bare, [], { batchSize: 1 })).every(({ changes }) => changes.length === 1),
    ).toBe(true);
  });

  test("one run reads topics of several tables, and counts messages of other tables", async () => {
    const source = recordedTopic(
      all
        .map(({ table }) => fixture(`enveloped.${table}.jsonl`))
        .concat(fixture("enveloped.message.jsonl")),
      withoutWarnings,
    );
    const seen = new Set<string>();
    const partitions = new Set<string>();
    for await (const { changes, positions } of source.changes({ sources: all, after: [] })) {
      for (const change of changes) seen.add(change.source);
      for (const { partition } of positions) partitions.add(partition);
    }
    expect(seen.size).toBe(6);
    expect(partitions.has("enveloped.message:0")).toBe(false);
    expect([...source.skipped]).toEqual([["enveloped.message", 1]]);
  });

  test("the size of a recording is its lines, and unknown if a file is gzipped", async () => {
    expect(await recordedTopic([bare, bare]).size!({ sources: [] })).toBe(76);
    expect(await recordedTopic(file(lines.join("\n"))).size!({ sources: [] })).toBe(38);
    expect(
      await recordedTopic(file(gzipSync("{}"), "s.jsonl.gz")).size!({ sources: [] }),
    ).toBeNull();
  });

  test("a signal ends a run between chunks", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    const reading = (async () => {
      for await (const _ of recordedTopic(bare).changes({
        sources: [transactions],
        after: [],
        signal: stop.signal,
      }));
    })();
    await expect(reading).rejects.toThrow("enough");
  });
});

describe("resuming", () => {
  const stoppedAt = async (batch: number): Promise<Position> =>
    (await batches(bare, [], { batchChanges: 10 }))[batch]!.positions[0]!;

  test("messages up to the position are not given again", async () => {
    expect(await offsets(bare, [await stoppedAt(1)])).toEqual(upTo(38).slice(20));
    expect(await batches(bare, [await stoppedAt(3)])).toEqual([]);
  });

  test("a recording that begins right after the position has lost nothing", async () => {
    expect(await offsets(file(lines.slice(20).join("\n")), [await stoppedAt(1)])).toEqual(
      upTo(38).slice(20),
    );
  });

  test("gaps between offsets are no loss", async () => {
    expect(
      await offsets(file(lines.filter((_, i) => i % 3 !== 2).join("\n")), [await stoppedAt(0)]),
    ).toEqual(
      upTo(38)
        .slice(10)
        .filter((i) => i % 3 !== 2),
    );
  });

  test("a recording without the messages after the position is LOG_LOST", async () => {
    const position = await stoppedAt(1);
    await expect(offsets(file(lines.slice(21).join("\n")), [position])).rejects.toEqual(
      fails("LOG_LOST", /offset 19 of bare\.public\.transaction_data:0.*goes on at offset 21/),
    );
    await expect(
      offsets(file(lines.filter((_, i) => i !== 19).join("\n")), [position]),
    ).rejects.toEqual(fails("LOG_LOST", /goes on at offset 20/));
    await expect(offsets(file(lines.slice(0, 15).join("\n")), [position])).rejects.toEqual(
      fails("LOG_LOST", /ends before it/),
    );
    const otherPartition = lines
      .map((line) => line.replace('"partition":0', '"partition":1'))
      .join("\n");
    await expect(offsets(file(otherPartition), [position])).rejects.toEqual(
      fails("LOG_LOST", /no message of that partition/),
    );
    await expect(offsets(file(""), [position])).rejects.toEqual(
      fails("LOG_LOST", /no message of that partition/),
    );
  });

  test(
    "another recording gives no change, also if it begins with partitions that were not read " +
      "before",
    async () => {
      const position = await stoppedAt(1);
      const added = lines.map((line) => line.replace('"partition":0', '"partition":1'));
      const reading = (recording: readonly string[]) =>
        recordedTopic(file(recording.join("\n")), { ...withoutWarnings, batchChanges: 5 }).changes({
          sources: [transactions],
          after: [position],
        });
      let given = 0;
      for await (const { changes } of reading([...added, ...lines])) given += changes.length;
      expect(given).toBe(38 + 18);
      const anew = lines.map((line) =>
        line.replace(/"timestamp":"\d+"/, '"timestamp":"1800000000000"'),
      );
      for (const [code, rest] of [
        ["TOPIC_RECREATED", anew],
        ["LOG_LOST", lines.slice(0, 15)],
        ["LOG_LOST", lines.slice(30)],
        ["LOG_LOST", []],
      ] as const) {
        await expect(
          reading([...added, ...rest])
            [Symbol.asyncIterator]()
            .next(),
        ).rejects.toMatchObject({ code });
      }
    },
  );

  test("a recording of other topics contradicts no position", async () => {
    expect(await offsets(fixture("bare.public.card.jsonl"), [await stoppedAt(1)])).toEqual([]);
  });

  test("a recreated topic is detected by the message at the position", async () => {
    const position = await stoppedAt(1);
    const anew = lines.map((line) =>
      line.replace(/"timestamp":"\d+"/, '"timestamp":"1800000000000"'),
    );
    await expect(offsets(file(anew.join("\n")), [position])).rejects.toEqual(
      fails("TOPIC_RECREATED", /offset 19 of bare\.public\.transaction_data:0/),
    );
    const otherKeys = lines.map((line) =>
      line.replace(/"key":"\{\\"id\\":(\d+)\}"/, '"key":"{\\"id\\":1$1}"'),
    );
    await expect(offsets(file(otherKeys.join("\n")), [position])).rejects.toEqual(
      fails("TOPIC_RECREATED", /into new stores/),
    );
    expect(await offsets(file(anew.join("\n")), [{ partition: NAME, offset: 19 }])).toEqual(
      upTo(38).slice(20),
    );
  });
});

describe("offsets", () => {
  test("messages that come again at their offsets are skipped, and counted", async () => {
    expect(await offsets(file([...lines, ...lines].join("\n")))).toEqual(upTo(38));
    expect(await offsets(file([...lines.slice(0, 20), ...lines.slice(5)].join("\n")))).toEqual(
      upTo(38),
    );
    expect(await offsets([bare, bare])).toEqual(upTo(38));
    const given = await batches([bare, bare]);
    expect(given.flatMap(({ skipped = [] }) => skipped)).toMatchObject([
      {
        topic: "bare.public.transaction_data",
        reason: "ALREADY_READ",
        count: 38,
        first: {
          partition: 0,
          offset: 0,
          message: expect.stringMatching(/has this message twice/),
        },
        last: 37,
      },
    ]);
  });

  test("every message of a recording is a change, or is skipped with a reason", async () => {
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const other = (line: Record<string, unknown>) => ({
      ...line,
      topic: "bare.public.other",
      value: String(line["value"]).replace('"table":"transaction_data"', '"table":"other"'),
    });
    const heartbeat = { topic: "__debezium-heartbeat.bare", key: "{}", value: '{"ts_ms":1}' };
    const given = [
      ...parsed,
      ...parsed.slice(30),
      ...parsed.slice(0, 4).map(other),
      ...[0, 1].map((offset) => ({ ...parsed[0], ...heartbeat, offset })),
      { ...parsed[0], offset: 38, value: "no JSON" },
      { ...parsed[0], offset: 39, value: "" },
      { ...parsed[0], offset: 40, key: null, value: null },
    ];
    const found = await batches(file(given.map((line) => JSON.stringify(line)).join("\n")), [], {
      batchChanges: 7,
    });
    const taken = found.flatMap(({ changes }) => changes).length;
    const told = found.flatMap(({ skipped = [] }) => skipped);
    const counts = new Map<string, number>();
    for (const { reason, count } of told) counts.set(reason, (counts.get(reason) ?? 0) + count);
    expect(counts.get("ALREADY_READ")).toBe(8);
    const sum = [...counts.values()].reduce((total, count) => total + count, 0);
    expect(taken + sum).toBe(given.length);
    expect(taken).toBe(41);
  });

  test("another message at an offset that was read is refused with file and line", async () => {
    const other = lines[3]!.replace('"timestamp":"', '"timestamp":"9');
    await expect(
      offsets(file([...lines.slice(0, 10), other].join("\n"), "twice.jsonl")),
    ).rejects.toEqual(fails("TOPIC_LINE_INVALID", /twice\.jsonl:11: offset 3 .* after offset 9/));
  });
});

describe("files that cannot be read", () => {
  const line = JSON.parse(lines[0]!) as Record<string, unknown>;
  const cases: readonly [string, string, RegExp][] = [
    ["not JSON", "offset 3", /not JSON/],
    ["cut off", lines[0]!.slice(0, 300), /not JSON/],
    ["an array", "[]", /not a JSON object/],
    ["null", "null", /not a JSON object/],
    ...["topic", "partition", "offset", "key", "value"].map((field): [string, string, RegExp] => [
      `no ${field}`,
      JSON.stringify({ ...line, [field]: undefined }),
      new RegExp(`no "${field}"`),
    ]),
    [
      "an offset that is no number",
      JSON.stringify({ ...line, offset: "x" }),
      /"offset" is no integer: "x"/,
    ],
    ["a negative offset", JSON.stringify({ ...line, offset: -1 }), /"offset" is no integer/],
    [
      "an offset beyond 2^53",
      JSON.stringify({ ...line, offset: "9223372036854775807" }),
      /"offset" is no integer/,
    ],
  ];

  test.each(cases)("%s: the file and the line are named", async (_, text, message) => {
    const path = file(`${lines.slice(0, 2).join("\n")}\n\n${text}\n${lines[2]!}\n`, "bad.jsonl");
    await expect(offsets(path)).rejects.toEqual(
      fails("TOPIC_LINE_INVALID", new RegExp(`bad\\.jsonl:4: .*${message.source}`)),
    );
  });

  test("offsets may be numbers; timestamp and headers may be absent", async () => {
    expect(
      await changes(
        file(JSON.stringify({ ...line, offset: 0, timestamp: undefined, headers: undefined })),
      ),
    ).toMatchObject([{ offset: 0, timestamp: null, kind: "upsert" }]);
  });

  test("a missing file is TOPIC_NOT_FOUND before another file is read", async () => {
    await expect(
      batches([bare, join(folder, "nowhere.jsonl")], [], { batchChanges: 1 }),
    ).rejects.toEqual(fails("TOPIC_NOT_FOUND", /nowhere\.jsonl/));
    await expect(
      recordedTopic(join(folder, "nowhere.jsonl")).size!({ sources: [] }),
    ).rejects.toEqual(fails("TOPIC_NOT_FOUND", /nowhere\.jsonl/));
  });

  test("a cut-off or damaged gzipped file and a directory are TOPIC_UNREADABLE", async () => {
    const packed = gzipSync(readFileSync(bare));
    await expect(
      offsets(file(packed.subarray(0, packed.length - 200), "cut.jsonl.gz")),
    ).rejects.toEqual(fails("TOPIC_UNREADABLE", /cut\.jsonl\.gz/));
    const damaged = Buffer.from(packed).fill(0x55, 20, 60);
    await expect(offsets(file(damaged, "damaged.jsonl.gz"))).rejects.toEqual(
      fails("TOPIC_UNREADABLE", /damaged\.jsonl\.gz/),
    );
    await expect(offsets(folder)).rejects.toEqual(fails("TOPIC_UNREADABLE", /tidemark-recorded/));
  });

  test("decimals that cannot be decoded stop the source before it gives the batch", async () => {
    const source: SourceSpec = {
      ...transactions,
      table: "public.full_identity",
      columns: [
        transactions.columns[0]!,
        { name: "amount", database: "amount", type: "float64", nullable: true },
      ],
    };
    const text = readFileSync(fixture("bare.public.full_identity.jsonl"), "utf8").replace(
      '\\"amount\\":\\"20.00\\"',
      '\\"amount\\":\\"B9A=\\"',
    );
    const given: ChangeBatch[] = [];
    const reading = (async () => {
      for await (const batch of recordedTopic(file(text)).changes({ sources: [source], after: [] }))
        given.push(batch);
    })();
    await expect(reading).rejects.toEqual(
      fails(
        "DECIMAL_WITHOUT_SCALE",
        /"amount" of bare\.public\.full_identity \(partition 0, offset 1\)/,
      ),
    );
    expect(given).toEqual([]);
  });
});
