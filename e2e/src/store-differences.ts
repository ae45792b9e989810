/** A scenario through the store's public face, beside the oracle. */
import { type Knowledge, isTidemarkError, micros, type Store } from "@tidemark/core";
import { toUser } from "@tidemark/core/internal";
import type { FeatureSpec } from "@tidemark/core/spi";
import {
  oracleOf,
  requestKeys,
  scenarioDefinitions,
  type CompletedSnapshot,
  type OracleAnswer,
  type OracleMode,
  type OracleRequest,
  type Scenario,
} from "@tidemark/testkit";

export type AnswerPath = "online" | "as corrected" | "as known";

export interface ExpectedOptions {
  /** The changes that the oracle knows. Default: all changes of the scenario. */
  readonly truth?: Scenario["truth"];
  /** The completed snapshots of later generations. */
  readonly ended?: readonly CompletedSnapshot[];
  /** The oracle's mode, if it differs from the store's. */
  readonly mode?: OracleMode;
}

/** Returns, in words, where the store's answers to these requests differ from the oracle's. */
export async function storeDifferences(
  store: Store,
  scenario: Scenario,
  requests: readonly OracleRequest[],
  asked: AnswerPath,
  {
    truth = scenario.truth,
    ended = [],
    mode = asked === "as known" ? "known" : "corrected",
  }: ExpectedOptions = {},
): Promise<string[]> {
  const oracle = oracleOf({ ...scenario, truth }, null, ended);
  const rows =
    asked === "online"
      ? await onlineRows(store, scenario, requests)
      : await historicalRows(
          store,
          scenario,
          requests,
          asked === "as known" ? "as-known" : "as-corrected",
        );
  return requests.flatMap((request, i) => {
    const expected = oracle.answer(scenario.selected, request, mode);
    return scenario.selected.flatMap(({ as, feature }, f) => {
      const found = rows[i]![as] as AnswerValue;
      const wanted = answerOfOracle(expected[f]!, feature);
      return sameAnswer(found, wanted)
        ? []
        : [
            `seed ${scenario.seed}, ${asked}, ${as} of ${answerText(request)}: ` +
              `expected ${answerText(wanted)}, found ${answerText(found)}`,
          ];
    });
  });
}

/**
 * Counts the requests that the online store refuses as before its horizon, and those it answers.
 */
export async function refusedBeforeHorizon(
  store: Store,
  scenario: Scenario,
  requests: readonly OracleRequest[],
): Promise<{ readonly refused: number; readonly answered: number }> {
  let refused = 0;
  for (const request of requests) {
    try {
      await onlineRows(store, scenario, [request]);
    } catch (error) {
      if (!isTidemarkError(error, "ASOF_BEFORE_HORIZON")) throw error;
      refused++;
    }
  }
  return { refused, answered: requests.length - refused };
}

/** The answer for one feature, as a user gets it with `metadata: true`. */
export interface AnswerValue {
  readonly value: unknown;
  readonly status: string;
  readonly eventTime: Date | null;
}

type Row = Readonly<Record<string, unknown>>;

async function onlineRows(
  store: Store,
  scenario: Scenario,
  requests: readonly OracleRequest[],
): Promise<Row[]> {
  const { all } = scenarioDefinitions(scenario);
  const rows: Row[] = [];
  for (const request of requests) {
    const { row } = await store.getOnlineFeatures({
      features: all,
      entity: requestKeys(scenario, request),
      asOf: micros(request.time),
      metadata: true,
    });
    rows.push(row);
  }
  return rows;
}

async function historicalRows(
  store: Store,
  scenario: Scenario,
  requests: readonly OracleRequest[],
  knowledge: Knowledge,
): Promise<Row[]> {
  const { all } = scenarioDefinitions(scenario);
  const entities = requests.map((request) => ({
    ...requestKeys(scenario, request),
    event_timestamp: micros(request.time),
  }));
  return (
    await store.getHistoricalFeatures({ features: all, entities, knowledge, metadata: true })
  ).rows();
}

function dateOf({ eventTime }: OracleAnswer): Date | null {
  return eventTime === null ? null : new Date(Math.floor(eventTime / 1000));
}

/** Returns the oracle's answer as a user gets it. */
export function answerOfOracle(answer: OracleAnswer, { result }: FeatureSpec): AnswerValue {
  return { value: toUser(answer.value, result), status: answer.status, eventTime: dateOf(answer) };
}

/** Compares the bits, the status and the event time. */
export function sameAnswer(a: AnswerValue, b: AnswerValue): boolean {
  return (
    a.status === b.status &&
    a.eventTime?.getTime() === b.eventTime?.getTime() &&
    (Object.is(a.value, b.value) ||
      (typeof a.value === "object" &&
        typeof b.value === "object" &&
        JSON.stringify(a.value, digits) === JSON.stringify(b.value, digits)))
  );
}

/** Writes an answer or a request with every digit. */
export function answerText(value: unknown): string {
  return JSON.stringify(value, digits);
}

function digits(_: string, value: unknown): unknown {
  return typeof value === "bigint"
    ? `${value}n`
    : value instanceof Uint8Array
      ? `${value.constructor.name} ${value.join()}`
      : value;
}
