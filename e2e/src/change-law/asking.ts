/** Asks a process on every path, and compares each answer with the oracle's (law 11: change). */
import { isTidemarkError, micros } from "@tidemark/core";
import {
  isUntouched,
  requestKeys,
  scenarioDefinitions,
  selectedIn,
  type Oracle,
  type OracleMode,
  type OracleRequest,
} from "@tidemark/testkit";
import type { ViewSpec } from "@tidemark/core/spi";
import { answerOfOracle, answerText, sameAnswer, type AnswerValue } from "../store-differences.ts";
import { hasCommand, isOfPair, isRefusal } from "./commands.ts";
import type { StoreRole } from "./stored-data.ts";
import { storedViews } from "./stored-views.ts";
import type { Process, World } from "./world.ts";

/** A way to ask. */
export type AskedPath = "online" | "as corrected" | "as known";

/** The paths. */
export const askedPaths: readonly AskedPath[] = ["online", "as corrected", "as known"];

type Selected = ReturnType<typeof selectedIn>;
type Row = Readonly<Record<string, unknown>>;

/** What a path said of features that it does not answer. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly features: Selected;
}

/** Asks one process on one path. */
export async function ask(
  world: World,
  process: Process,
  path: AskedPath,
  requests: readonly OracleRequest[],
): Promise<{
  readonly failures: string[];
  readonly refusals: readonly Refusal[];
  readonly answers: number;
}> {
  const role: StoreRole = path === "online" ? "online" : "offline";
  const selected = selectedIn(process.definitions);
  const oracle = await world.log.oracle(role, process.definitions);
  const mode: OracleMode = path === "as known" ? "known" : "corrected";
  const failures: string[] = [];
  const refusals: Refusal[] = [];
  let answers = 0;
  const where = `${process.name}, ${path}`;

  /** Compares the answers of some features to one request. */
  const compare = (
    features: Selected,
    request: OracleRequest,
    row: Row,
    viewsOf: (view: ViewSpec) => readonly ViewSpec[] = (view) => [view],
  ): void => {
    answers += features.length;
    if (path === "online") failures.push(...answeredTooEarly(features));
    for (const declared of new Set(features.map(({ view }) => view))) {
      const ofView = features.filter(({ view }) => view === declared);
      const found = viewsOf(declared).map((view) => {
        const asStored = ofView.map((one) => ({ ...one, view }));
        return differences(oracle, asStored, request, mode, row);
      });
      if (found.some((texts) => texts.length === 0)) continue;
      const texts = found[0] ?? [`${declared.name} answers windows longer than a refused one`];
      failures.push(...texts.map((text) => `${where}: ${text}`));
    }
  };
  const isLevel = ({ source }: ViewSpec): boolean => world.facts.online.level.has(source.name);
  /** A source that was never level would answer a smaller number (law 11). */
  const answeredTooEarly = (features: Selected): string[] =>
    features
      .filter(({ view }) => !process.answersEarly && !isLevel(view))
      .map(({ as, view }) => `${where}: answers ${as} before ${view.source.name} was level once`);
  /** Returns the refusal of an error; undefined: the error is a breach of the law. */
  const refusalOf = (error: unknown, features: Selected): Refusal | undefined => {
    if (isTidemarkError(error) && isRefusal(error.code))
      return { code: error.code, message: error.message, features };
    failures.push(`${where}: ${errorText(error)}`);
    return undefined;
  };

  /** Notes that a time is refused, which only one before the horizon may be. */
  const refuseTime = (refusal: Refusal, { time }: OracleRequest): void => {
    refusals.push(refusal);
    if (time >= world.horizon)
      failures.push(`${where}: refuses a time after the horizon: ${refusal.message}`);
  };

  const askOnline = async (request: OracleRequest): Promise<void> => {
    try {
      if (request === requests.at(-1)) {
        const row = await onlineRow(process, selected, request, "null");
        const isAnswered = ({ as }: Selected[number]): boolean =>
          !isRefusal((row[as] as AnswerValue).status);
        if (selected.every(isAnswered)) {
          compare(selected, request, row);
          return;
        }
      }
      compare(selected, request, await onlineRow(process, selected, request, "error"));
    } catch (error) {
      const refusal = refusalOf(error, selected);
      if (refusal === undefined) return;
      const { code, message } = refusal;
      if (code === "ASOF_BEFORE_HORIZON") refuseTime(refusal, request);
      else if (isOfPair(code)) {
        refusals.push(refusal);
        if (!world.storesChanged) failures.push(`${where}: ${code}: ${message}`);
      } else await askWithoutMissing(request, message);
    }
  };

  /** Asks again with `onMissing: "null"`: one refused feature takes no other feature with it. */
  const askWithoutMissing = async (request: OracleRequest, message: string): Promise<void> => {
    let row: Row;
    try {
      row = await onlineRow(process, selected, request, "null");
    } catch (error) {
      const refusal = refusalOf(error, selected);
      if (refusal?.code === "ASOF_BEFORE_HORIZON") refuseTime(refusal, request);
      else if (refusal !== undefined) failures.push(`${where}: ${errorText(error)}`);
      return;
    }
    const answer = ({ as }: Selected[number]): AnswerValue => row[as] as AnswerValue;
    const missing = selected.filter((one) => isRefusal(answer(one).status));
    const answered = selected.filter((one) => !missing.includes(one));
    const viewsOf = (view: ViewSpec): readonly ViewSpec[] =>
      world.horizon === -Infinity ? [view] : storedViews(view, missing, message);
    compare(answered, request, row, viewsOf);
    // the answers are the same if the refused features are not asked
    if (missing.length > 0 && answered.length > 0 && request === requests[0]) {
      const some = answered.filter((_, i) => i % 2 !== answered.length % 2);
      compare(some, request, await onlineRow(process, some, request, "error"), viewsOf);
    }
    if (missing.length === 0) failures.push(`${where}: refuses nothing by name: ${message}`);
    for (const one of missing) {
      const { status, value } = answer(one);
      refusals.push({ code: status, message, features: [one] });
      if (value !== null) failures.push(`${where}: ${one.as} is refused and has a value`);
      if (status === "NEEDS_BACKFILL" && !message.includes(`${one.view.name}.${one.feature.name} `))
        failures.push(`${where}: the refusal does not name ${one.as}: ${message}`);
    }
  };

  /** An online store knows what its history had, so an older history may not answer. */
  const answeredByOlder = async (features: Selected): Promise<string[]> => {
    const older: string[] = [];
    for (const source of new Set(features.map(({ view }) => view.source.name))) {
      const taken = await world.log.taken("offline", source);
      for (const [partition, offset] of world.facts.online.history.get(source) ?? [])
        if ((taken.get(partition) ?? -1) < offset)
          older.push(`${where}: answers from a history without ${partition}:${offset}`);
    }
    return older;
  };

  const askHistory = async (features: Selected): Promise<void> => {
    try {
      const rows = await historicalRows(process, features, requests, path);
      failures.push(...(await answeredByOlder(features)));
      requests.forEach((request, i) => {
        compare(features, request, rows[i]!);
      });
    } catch (error) {
      const refusal = refusalOf(error, features);
      if (refusal === undefined) return;
      const { code, message } = refusal;
      if (isOfPair(code) && !world.storesChanged) failures.push(`${where}: ${code}: ${message}`);
      if (features.length === 1 || isOfPair(code)) refusals.push(refusal);
      else for (const one of features) await askHistory([one]);
    }
  };

  if (path === "online") for (const request of requests) await askOnline(request);
  else await askHistory(selected);

  for (const refusal of refusals) {
    if (path === "online" && hasCommand(refusal.code) && !isOfPair(refusal.code))
      failures.push(...refusedUntouched(world, refusal).map((text) => `${where}: ${text}`));
  }
  return { failures, refusals, answers };
}

/** Says which refused features no change can have touched. */
function refusedUntouched(world: World, { features, message, code }: Refusal): string[] {
  return features.flatMap(({ view, feature }) => {
    const made = world.facts.online.madeUnder.get(view.source.name) ?? [];
    const untouched = made.length > 0 && made.every((one) => isUntouched(view, feature, one));
    return untouched
      ? [`refuses ${feature.name}, which no change touched: ${code}: ${message}`]
      : [];
  });
}

async function onlineRow(
  { store }: Process,
  selected: Selected,
  request: OracleRequest,
  onMissing: "error" | "null",
): Promise<Row> {
  const { all } = scenarioDefinitions({ sources: [], selected });
  const { row } = await store.getOnlineFeatures({
    features: all,
    entity: requestKeys({ selected }, request),
    asOf: micros(request.time),
    metadata: true,
    onMissing,
  });
  return row;
}

async function historicalRows(
  { store }: Process,
  selected: Selected,
  requests: readonly OracleRequest[],
  path: AskedPath,
): Promise<readonly Row[]> {
  const { all } = scenarioDefinitions({ sources: [], selected });
  const entities = requests.map((request) => ({
    ...requestKeys({ selected }, request),
    event_timestamp: micros(request.time),
  }));
  const answer = await store.getHistoricalFeatures({
    features: all,
    entities,
    knowledge: path === "as known" ? "as-known" : "as-corrected",
    metadata: true,
  });
  return answer.rows();
}

function differences(
  oracle: Oracle,
  selected: Selected,
  request: OracleRequest,
  mode: OracleMode,
  row: Row,
): string[] {
  const expected = oracle.answer(selected, request, mode);
  return selected.flatMap(({ as, feature, view }, f) => {
    const found = row[as] as AnswerValue;
    const wanted = answerOfOracle(expected[f]!, feature);
    return sameAnswer(found, wanted)
      ? []
      : [
          `${view.name}.${as} of ${answerText(request)}: ` +
            `expected ${answerText(wanted)}, found ${answerText(found)}`,
        ];
  });
}

/** Writes an error with its code, or with its first lines if it has no code. */
export function errorText(error: unknown): string {
  if (isTidemarkError(error)) return `${error.code}: ${error.message}`;
  const { stack } = error as Error;
  return `an error without a code: ${(stack ?? String(error)).split("\n").slice(0, 4).join(" ")}`;
}
