/**
 * Debezium connectors in Kafka Connect: made or changed, watched until they run, restarted,
 * removed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import { callConnect, connectorPath, type ConnectOptions } from "./connect-client.ts";
import { connectorConfig, type ConnectorSettings } from "./connector-config.ts";

/** Settings of `registerConnector`. */
export interface RegisterConnectorOptions extends ConnectOptions, ConnectorSettings {}

/** `RUNNING`, `FAILED`, `PAUSED`, `UNASSIGNED`, …, as Kafka Connect says it. */
export interface TaskStatus {
  readonly id: number;
  readonly state: string;
  readonly worker: string;
  /** Why it failed. */
  readonly trace: string | null;
}

/** The state of a connector and its tasks. */
export interface ConnectorStatus {
  readonly name: string;
  readonly state: string;
  readonly trace: string | null;
  /** A connector may run while its task has failed. */
  readonly tasks: readonly TaskStatus[];
}

/**
 * Makes the connector, or changes it to this, and waits until it and its tasks run. Called again it
 * changes nothing; tasks that had failed are restarted once. A task that fails is
 * `CONNECTOR_FAILED` with its trace.
 *
 * @example
 * await registerConnector({ url: "http://localhost:8083", name: "bank", database: { host: "db", user: "debezium", password, name: "bank" }, tables: ["public.payments"] });
 */
export async function registerConnector(
  options: RegisterConnectorOptions,
): Promise<ConnectorStatus> {
  const config = connectorConfig(options);
  const { status } = await callConnect(
    options,
    "PUT",
    connectorPath(options, "/config"),
    config,
  ).catch(async (error: unknown) => {
    if (isTidemarkError(error, "CONNECTOR_REFUSED"))
      throw (await validationError(options, config)) ?? error;
    throw error;
  });
  const changed = status !== 201;
  if (changed) await sleep(STATUS_DELAY, undefined, { signal: options.signal });
  return waitUntilRunning(options, changed);
}

/**
 * Which settings are refused and why: the answer to the attempt itself may be an exception of the
 * worker's.
 */
async function validationError(
  options: ConnectOptions,
  config: Readonly<Record<string, string>>,
): Promise<TidemarkError | null> {
  const validate = `/connector-plugins/${encodeURIComponent(config["connector.class"] ?? "")}/config/validate`;
  const answer = await callConnect(options, "PUT", validate, {
    name: options.name,
    ...config,
  }).catch(() => null);
  const settings =
    (
      answer?.body as {
        readonly configs?: readonly {
          readonly value: { readonly name: string; readonly errors: readonly string[] } | null;
        }[];
      } | null
    )?.configs ?? [];
  const errors = settings.flatMap(({ value }) =>
    (value ?? { errors: [] }).errors.map((error) => `${value!.name}: ${error}`),
  );
  return errors.length === 0
    ? null
    : new TidemarkError(
        "CONNECTOR_REFUSED",
        `connector ${options.name}: Kafka Connect refuses its settings: ${errors.join("; ")}`,
      );
}

/**
 * Reads the state of a connector and of its tasks. null: there is no such connector.
 *
 * @example
 * const status = await connectorStatus({ url: "http://localhost:8083", name: "bank" });
 */
export async function connectorStatus(options: ConnectOptions): Promise<ConnectorStatus | null> {
  const { status, body } = await callConnect(options, "GET", connectorPath(options, "/status"));
  if (status === 404) return null;
  const { connector, tasks } = body as {
    readonly connector: { readonly state: string; readonly trace?: string };
    readonly tasks: readonly {
      readonly id: number;
      readonly state: string;
      readonly worker_id: string;
      readonly trace?: string;
    }[];
  };
  return {
    name: options.name,
    state: connector.state,
    trace: connector.trace ?? null,
    tasks: tasks.map(({ id, state, worker_id: worker, trace }) => ({
      id,
      state,
      worker,
      trace: trace ?? null,
    })),
  };
}

/**
 * Restarts the connector and its tasks, and waits until they run. Throws `CONNECTOR_NOT_FOUND` and
 * `CONNECTOR_FAILED`.
 *
 * @example
 * const { state } = await restartConnector({ url: "http://localhost:8083", name: "bank" });
 */
export async function restartConnector(options: ConnectOptions): Promise<ConnectorStatus> {
  const { status } = await callConnect(
    options,
    "POST",
    connectorPath(options, "/restart?includeTasks=true"),
  );
  if (status === 404) throw connectorNotFound(options);
  await sleep(STATUS_DELAY, undefined, { signal: options.signal });
  return waitUntilRunning(options, false);
}

/**
 * Removes the connector. Its replication slot stays in the database, and holds back the log there
 * until it is dropped. Throws `CONNECTOR_NOT_FOUND`.
 *
 * @example
 * await deleteConnector({ url: "http://localhost:8083", name: "bank" });
 */
export async function deleteConnector(options: ConnectOptions): Promise<void> {
  const { status } = await callConnect(options, "DELETE", connectorPath(options, ""));
  if (status === 404) throw connectorNotFound(options);
  for (
    const deadline = performance.now() + (options.timeLimit ?? 60) * 1000;
    (await connectorStatus(options)) !== null;
  ) {
    if (performance.now() > deadline)
      throw new TidemarkError(
        "CONNECTOR_NOT_READY",
        `connector ${options.name}: it is being removed and is still there; look at the log ` +
          "of Kafka Connect's worker",
      );
    await sleep(250, undefined, { signal: options.signal });
  }
}

/**
 * ms after which a status tells of a change or a restart, not of what was before; and for which a
 * connector has to run, to be running.
 */
const STATUS_DELAY = 1_000;

/** `restart`: what is seen to have failed may have done so before, and gets one more chance. */
async function waitUntilRunning(
  options: ConnectOptions,
  restart: boolean,
): Promise<ConnectorStatus> {
  const { name, signal, timeLimit = 60 } = options;
  const deadline = performance.now() + timeLimit * 1000;
  let mayRestart = restart;
  let since: number | null = null;
  for (;;) {
    const status = await connectorStatus(options);
    const failed =
      status === null ? [] : [status, ...status.tasks].filter(({ state }) => state === "FAILED");
    if (failed.length > 0 && !mayRestart) {
      throw new TidemarkError(
        "CONNECTOR_FAILED",
        `connector ${name}: ${failed.map(({ trace }) => innermostCause(trace)).join("; ")}. Settle ` +
          "that, then restart it. Kafka Connect " +
          `says:\n${failed.map(({ trace }) => trace ?? "").join("\n")}`,
      );
    }
    if (failed.length > 0) {
      mayRestart = false;
      await callConnect(
        options,
        "POST",
        connectorPath(options, "/restart?includeTasks=true&onlyFailed=true"),
      );
      await sleep(STATUS_DELAY, undefined, { signal });
      continue;
    }
    const runs =
      status !== null &&
      status.state === "RUNNING" &&
      status.tasks.length > 0 &&
      status.tasks.every(({ state }) => state === "RUNNING");
    since = runs ? (since ?? performance.now()) : null;
    if (runs && performance.now() >= since! + STATUS_DELAY) return status;
    if (performance.now() > deadline) {
      const states =
        status === null
          ? "it is not there"
          : `the connector is ${status.state}, its tasks are ` +
            `${status.tasks.map(({ state }) => state).join(", ") || "not there"}`;
      throw new TidemarkError(
        "CONNECTOR_NOT_READY",
        `connector ${name}: after ${timeLimit} s ${states}; look at the log of Kafka Connect's ` +
          "worker, or wait longer with timeLimit",
      );
    }
    await sleep(250, undefined, { signal });
  }
}

/** The innermost cause, which is what one can settle. */
function innermostCause(trace: string | null): string {
  const lines = (trace ?? "it gives no reason").split("\n");
  return (lines.findLast((line) => line.startsWith("Caused by: ")) ?? lines[0]!)
    .replace("Caused by: ", "")
    .trim();
}

function connectorNotFound({ name, url }: ConnectOptions): TidemarkError {
  return new TidemarkError(
    "CONNECTOR_NOT_FOUND",
    `connector ${name}: there is none at ${url}; check the name, or register it`,
  );
}
