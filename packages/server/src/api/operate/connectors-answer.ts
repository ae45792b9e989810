/** Makes the answer of `GET /v1/connectors`. */
import type { ConnectorState } from "../../options/connector-state.ts";

/** Takes the named members only: what else an object has, such as settings, is not sent. */
export function connectorsAnswer(states: readonly ConnectorState[]): readonly ConnectorState[] {
  return states.map(({ name, state, worker, reason, tasks, error }) => ({
    name,
    state,
    worker,
    reason,
    tasks: tasks.map((task) => ({
      id: task.id,
      state: task.state,
      worker: task.worker,
      reason: task.reason,
    })),
    error,
  }));
}
