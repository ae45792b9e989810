/** Runs mutated logs, and compares what was taken and what was told with the oracle. */
import { writeFileSync } from "node:fs";
import { isTidemarkError, openStore, type NotTaken, type RunResult } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { debeziumDecoder, recordedTopic, type MessageDecoder } from "@tidemark/source-debezium";
import { generateScenario, Random, scenarioDefinitions, type Scenario } from "@tidemark/testkit";
import { inputMutations } from "@tidemark/testkit/generate/input-mutations";
import type { InputMessage, InputMutation } from "@tidemark/testkit/generate/mutated-input";
import {
  appliedChanges,
  expectedReport,
  fateOf,
  type ExpectedReport,
  type InputFate,
} from "@tidemark/testkit/oracle/input-fates";
import { inFolder, keepingStores, realStores, topicPath } from "./real-stores.ts";
import { storeDifferences } from "./store-differences.ts";

/** A log in which messages are mutated. */
export interface MutatedLog {
  readonly scenario: Scenario;
  /** The lines of a recording. */
  readonly lines: readonly string[];
  readonly fates: readonly InputFate[];
  /** The name of the mutation of each line; null: the line is valid. */
  readonly mutated: readonly (string | null)[];
}

export interface FuzzOptions {
  /** Whether the stores are SQLite and Delta. Default: stores in memory. */
  readonly real?: boolean;
  /** The mutations to choose from. Default: all. */
  readonly mutations?: readonly InputMutation[];
  /** The decoder of the run. Default: Debezium's. */
  readonly decoder?: MessageDecoder;
  /** Called with the mutation of each mutated message. */
  readonly onMutation?: (mutation: string) => void;
}

/** The fraction of messages that are mutated. */
const MUTATED = 0.15;

/** Makes the log of a seed. Equal seeds give equal logs. */
function mutatedLog(
  seed: number,
  mutations: readonly InputMutation[] = inputMutations,
): MutatedLog {
  // Each mutated message is the only one of its change, so that its fate decides the answers.
  const traits = {
    redelivered: false,
    tombstones: false,
    interleaved: false,
    clockGoesBack: false,
  };
  const scenario = generateScenario(seed, { traits });
  const random = new Random(seed ^ 0x5eed);
  const fates: InputFate[] = [];
  const mutated: (string | null)[] = [];
  /** The rows with a message that cannot be read. The laws do not say when a second one holds. */
  const lost = new Set<string>();
  const lines = scenario.lines.map((line, i) => {
    const change = scenario.truth[i]!;
    const read = JSON.parse(line) as InputMessage & {
      readonly key: string | null;
      readonly value: string;
      readonly timestamp: string;
    };
    const mutation = random.pick(mutations);
    const chosen = random.chance(MUTATED)
      ? mutation.mutate({
          message: read,
          change,
          source: scenario.sources.find(({ name }) => name === change.source)!,
          shape: scenario.traits.shape,
          timestamp: Number(read.timestamp),
          onePartition: scenario.traits.partitions === 1 && !scenario.traits.partitionAdded,
          random,
        })
      : null;
    const result = chosen !== null && isLostAgain(chosen.fate, lost) ? null : chosen;
    fates.push(result?.fate ?? fateOf(change));
    if (result === null) isLostAgain(fateOf(change), lost);
    mutated.push(result === null ? null : `${mutation.kind}: ${mutation.name}`);
    return result === null ? line : lineOfInput(read, result.message);
  });
  return { scenario, lines, fates, mutated };
}

/** Whether the row of the fate has lost a message before. Notes a row that loses its first. */
function isLostAgain(fate: InputFate, lost: Set<string>): boolean {
  if (fate.kind !== "undecodable" || fate.change === null) return false;
  const row = fate.change.values!.map(String).join("\0");
  const again = lost.has(`${fate.source}\0${row}`);
  lost.add(`${fate.source}\0${row}`);
  return again;
}

/** Writes a message as a line of a recording. */
function lineOfInput(original: object, { topic, key, value, headers }: InputMessage): string {
  const field = (name: "key" | "value", content: string | Uint8Array | null): object =>
    content === null || typeof content === "string"
      ? { [name]: content }
      : { [name]: null, [`${name}Base64`]: Buffer.from(content).toString("base64") };
  return JSON.stringify({
    ...original,
    topic,
    headers,
    ...field("key", key),
    ...field("value", value),
  });
}

/** Runs the log of one seed. Gives each difference as a sentence; none is right. */
export async function fuzzInput(seed: number, options: FuzzOptions = {}): Promise<string[]> {
  const log = mutatedLog(seed, options.mutations);
  for (const mutation of log.mutated) if (mutation !== null) options.onMutation?.(mutation);
  return inFolder(async (folder) => {
    const path = topicPath(folder);
    writeFileSync(path, log.lines.map((line) => `${line}\n`).join(""));
    const stores =
      options.real === true
        ? realStores(folder)
        : { online: memoryOnlineStore(), offline: memoryOfflineStore() };
    const store = await openStore({
      definitions: scenarioDefinitions(log.scenario),
      ...keepingStores(stores),
    });
    try {
      const expected = expectedReport(log.fates);
      let run: RunResult | null = null;
      try {
        run = await store.run(
          recordedTopic(path, {
            decoder: options.decoder ?? debeziumDecoder(),
            onWarning: () => undefined,
          }),
          { onNotTaken: () => undefined, onMismatch: () => undefined, mismatch: 1 },
        );
      } catch (error) {
        if (!isTidemarkError(error, "SOURCE_UNREADABLE")) throw error;
        if (expected.unreadableSources.length === 0)
          return [`seed ${seed}: ${error.message}, and the oracle can read every source`];
      }
      const differences =
        run === null
          ? []
          : [
              ...(expected.unreadableSources.length > 0
                ? [`no error says that ${expected.unreadableSources.join()} cannot be read`]
                : []),
              ...reportDifferences(expected, run),
            ];
      const truth = appliedChanges(log.fates);
      for (const path of ["online", "as corrected", "as known"] as const)
        differences.push(
          ...(
            await storeDifferences(store, log.scenario, log.scenario.requests, path, { truth })
          ).slice(0, 3),
        );
      return differences.map((one) => `seed ${seed} (${log.scenario.traits.shape}): ${one}`);
    } finally {
      await store.close();
    }
  });
}

/** Compares what the run said with what it must say: messages given = taken + told (law 11). */
function reportDifferences(expected: ExpectedReport, run: RunResult): string[] {
  const differences: string[] = [];
  const compare = (what: string, found: number, wanted: number): void => {
    if (found !== wanted) differences.push(`${what}: expected ${wanted}, found ${found}`);
  };
  const sum = (entries: readonly NotTaken[]): number =>
    entries.reduce((total, { count }) => total + count, 0);
  const of = (kind: NotTaken["kind"]): NotTaken[] =>
    run.notTaken.filter((one) => one.kind === kind);
  compare("messages given", run.messages, expected.messages);
  compare("messages skipped", sum(of("skipped")), expected.skipped);
  compare("messages undecodable", sum(of("undecodable")), expected.undecodable);
  const taken = run.changes - sum(of("undecodable"));
  compare(
    "messages taken and told",
    taken + sum(of("undecodable")) + sum(of("skipped")),
    expected.messages,
  );
  for (const [reason, count] of expected.reasons) {
    const found = sum(run.notTaken.filter((one) => one.reason === reason));
    if (found < count)
      differences.push(`reason ${reason}: expected at least ${count}, found ${found}`);
  }
  const invalid = new Map<string, number>();
  for (const { source, column, count } of of("invalid"))
    invalid.set(`${source}.${column}`, (invalid.get(`${source}.${column}`) ?? 0) + count);
  for (const name of new Set([...invalid.keys(), ...expected.invalid.keys()]))
    compare(`values missing in ${name}`, invalid.get(name) ?? 0, expected.invalid.get(name) ?? 0);
  for (const { reason, first } of run.notTaken)
    if (first.message === "" || reason === "") differences.push(`${reason} says nothing`);
  return differences;
}
