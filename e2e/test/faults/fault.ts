/** A fault of `e2e/faults` by its number, as a user's project and as a run in memory. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openStore, type NotTaken } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { recordedTopic, type RecordedTopicOptions } from "@tidemark/source-debezium";
import { expect } from "vitest";
import { Project, type CommandResult } from "../../../packages/cli/test/support/project.ts";

const FAULTS = join(import.meta.dirname, "../../faults");

/** The folder of a fault. */
export function faultFolder(number: string): string {
  const name = readdirSync(FAULTS).find((one) => one.startsWith(`${number}-`));
  if (name === undefined) throw new Error(`no fault has the number ${number}`);
  return join(FAULTS, name);
}

/** The folders of a fault's files. A later folder replaces the files of those before it. */
function foldersOf(number: string): readonly string[] {
  const folder = faultFolder(number);
  const messages = existsSync(join(folder, "topic.jsonl")) ? [join(FAULTS, "_payments")] : [];
  return [join(FAULTS, "_base"), ...messages, folder];
}

/** The right answers of a fault: one text per row. */
export function expectedRows(number: string): unknown[] {
  return parseLines(readFileSync(join(faultFolder(number), "expected.jsonl"), "utf8"));
}

/** Parses JSON lines. */
export function parseLines(text: string): unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

/** A project with the files of a fault. */
export function faultProject(number: string): Project {
  const project = new Project();
  for (const folder of foldersOf(number))
    for (const name of readdirSync(folder)) project.write(name, readFileSync(join(folder, name)));
  return project;
}

/** Replays the fault's topic, and reads the answers if there are any. */
export async function replayFault(
  project: Project,
  options: Readonly<Record<string, string | true | undefined>> = {},
): Promise<CommandResult & { readonly answers: readonly unknown[] | null }> {
  const result = await project.replay({ service: "activity", ...options });
  const written = project.files().includes("answers.jsonl");
  return { ...result, answers: written ? parseLines(project.read("answers.jsonl")) : null };
}

/** What a run in memory says of the fault's messages. */
export interface FaultRun {
  readonly given: number;
  /** Messages whose rows, deletes or other effects were applied. */
  readonly taken: number;
  /** Messages that were told as undecodable or skipped. */
  readonly told: number;
  readonly notTaken: readonly NotTaken[];
}

/** Feeds the fault's topic to stores in memory, and counts its messages (law 11). */
export async function runFault(
  number: string,
  options: RecordedTopicOptions = {},
): Promise<FaultRun> {
  const folder = faultFolder(number);
  const features = foldersOf(number)
    .map((one) => join(one, "features.ts"))
    .findLast((file) => existsSync(file))!;
  const definitions = (await import(pathToFileURL(features).href)) as Readonly<
    Record<string, never>
  >;
  const store = await openStore({
    definitions,
    online: { store: memoryOnlineStore(), retention: "forever" },
    offline: memoryOfflineStore(),
  });
  try {
    const topic = recordedTopic(join(folder, "topic.jsonl"), {
      onWarning: () => undefined,
      ...options,
    });
    const { changes, messages, notTaken } = await store.run(topic, { onNotTaken: () => undefined });
    const count = (kind: NotTaken["kind"]): number =>
      notTaken.filter((one) => one.kind === kind).reduce((sum, one) => sum + one.count, 0);
    return {
      given: messages,
      taken: changes - count("undecodable"),
      told: count("undecodable") + count("skipped"),
      notTaken,
    };
  } finally {
    await store.close();
  }
}

/** Every message of the fault was taken or told. */
export function expectAllAccounted(number: string, run: FaultRun): void {
  const lines = readFileSync(join(faultFolder(number), "topic.jsonl"), "utf8")
    .trim()
    .split("\n");
  expect(run.given).toBe(lines.length);
  expect(run.taken + run.told).toBe(run.given);
}
