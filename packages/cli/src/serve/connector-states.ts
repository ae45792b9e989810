/** Asks Kafka Connect for the states of the connectors of the configuration. */
import type { ConnectorState } from "@tidemark/server";
import type { ConnectorConfig } from "../config/connectors-config.ts";
import { redact, type Secrets } from "../config/secret.ts";
import { loadDebezium } from "../modules/optional-packages.ts";

/** The longest wait for Kafka Connect, ms. */
const ANSWER_TIME = 5_000;

/** Returns the function that asks. undefined: the configuration has no connectors. */
export function connectorStates(
  connectors: readonly ConnectorConfig[] | undefined,
  secrets: Secrets,
  answerTime: number = ANSWER_TIME,
): ((signal: AbortSignal) => Promise<readonly ConnectorState[]>) | undefined {
  if (connectors === undefined || connectors.length === 0) return undefined;
  return (signal) =>
    Promise.all(connectors.map((connector) => stateOf(connector, secrets, { signal, answerTime })));
}

/** Returns the state. An error becomes its text: the other connectors are shown all the same. */
async function stateOf(
  { url, name, authorization, allowInsecure }: ConnectorConfig,
  secrets: Secrets,
  { signal, answerTime }: { readonly signal: AbortSignal; readonly answerTime: number },
): Promise<ConnectorState> {
  const ofFailure = (error: string): ConnectorState => ({
    name,
    state: null,
    worker: null,
    reason: null,
    tasks: [],
    error: redact(error),
  });
  const late = AbortSignal.timeout(answerTime);
  try {
    const { connectorStatus } = await loadDebezium("the state of a connector");
    const status = await connectorStatus({
      url,
      name,
      headers: authorization === undefined ? {} : { authorization: secrets[authorization]! },
      allowInsecure,
      signal: AbortSignal.any([signal, late]),
    });
    if (status === null)
      return ofFailure("Kafka Connect has no connector of this name; check the name");
    return {
      name,
      state: status.state,
      worker: status.worker,
      reason: redactedOrNull(status.reason),
      tasks: status.tasks.map((task) => ({
        id: task.id,
        state: task.state,
        worker: task.worker,
        reason: redactedOrNull(task.reason),
      })),
      error: null,
    };
  } catch (error) {
    if (signal.aborted) throw error;
    if (late.aborted) return ofFailure(`Kafka Connect did not answer within ${answerTime} ms`);
    return ofFailure(error instanceof Error ? error.message : String(error));
  }
}

function redactedOrNull(text: string | null): string | null {
  return text === null ? null : redact(text);
}
