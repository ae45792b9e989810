/**
 * Valid logs in which messages are mutated: every message is taken right, or told (law 11:
 * messages given = taken + told).
 */
import { debeziumDecoder, type MessageDecoder } from "@tidemark/source-debezium";
import { seedsFromEnvironment } from "@tidemark/testkit";
import { inputMutations } from "@tidemark/testkit/generate/input-mutations";
import { expect, test } from "vitest";
import { fuzzInput } from "../src/input-fuzz.ts";

const { seeds } = seedsFromEnvironment({ runs: 200, least: 40 });
/** One of this many seeds goes through SQLite and Delta. */
const REAL_EVERY = 20;

test("mutated messages are taken right, or told", { timeout: 600_000 }, async () => {
  const met = new Map<string, number>();
  const differences: string[] = [];
  for (const [i, seed] of seeds.entries())
    differences.push(
      ...(await fuzzInput(seed, {
        real: i % REAL_EVERY === 0,
        onMutation: (name) => met.set(name, (met.get(name) ?? 0) + 1),
      })),
    );
  const total = [...met.values()].reduce((sum, count) => sum + count, 0);
  console.log(`input fuzz: ${seeds.length} seeds, ${total} messages of ${met.size} mutations`);
  expect(differences.slice(0, 20)).toEqual([]);
  for (const kind of new Set(inputMutations.map(({ kind }) => kind)))
    expect(
      [...met.keys()].some((name) => name.startsWith(kind)),
      kind,
    ).toBe(true);
});

/** A decoder that loses something without a word. */
type Loss = (
  decoded: ReturnType<ReturnType<MessageDecoder["start"]>["decode"]>,
  n: number,
) => typeof decoded;

const losses: Readonly<Record<string, Loss>> = {
  "drops an undecodable message": (decoded) =>
    decoded !== null && "undecodable" in decoded && decoded.undecodable !== null
      ? { ...decoded, kind: "none", undecodable: null, values: null }
      : decoded,
  "takes a message of another table as skipped": (decoded, n) => (n % 7 === 0 ? null : decoded),
  "loses a delete": (decoded) =>
    decoded !== null && "kind" in decoded && decoded.kind === "delete"
      ? { ...decoded, kind: "none", values: null }
      : decoded,
  "reads an invalid value as null": (decoded) =>
    decoded !== null && "invalidColumns" in decoded ? { ...decoded, invalidColumns: [] } : decoded,
};

for (const [title, lose] of Object.entries(losses))
  test(`a decoder that ${title} is found`, { timeout: 600_000 }, async () => {
    const decoder: MessageDecoder = {
      name: "lossy",
      start(options) {
        const running = debeziumDecoder().start(options);
        let n = 0;
        return { decode: (message) => lose(running.decode(message), n++) };
      },
    };
    let found = 0;
    for (const seed of seeds.slice(0, 20)) {
      found = (await fuzzInput(seed, { decoder })).length;
      if (found > 0) break;
    }
    expect(found).toBeGreaterThan(0);
  });
