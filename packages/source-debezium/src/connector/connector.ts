/**
 * Debezium connectors in Kafka Connect: these functions register, watch, restart and delete them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import {
  callConnect,
  connectorPath,
  type ConnectOptions,
  timeLimitOf,
  warnOfInsecurePassword,
} from "./connect-client.ts";
import { connectorConfig, type ConnectorSettings } from "./connector-config.ts";

/** The options of `registerConnector`. */
export interface RegisterConnectorOptions extends ConnectOptions, ConnectorSettings {}

/** The status of one task of a connector. */
export interface TaskStatus {
  readonly id: number;
  /** `RUNNING`, `FAILED`, `PAUSED`, `UNASSIGNED`, …, in Kafka Connect's words. */
  readonly state: string;
  readonly worker: string;
  /** The stack trace of the failure; null: the task has not failed. */
  readonly trace: string | null;
  /** The innermost cause of the trace, one line; null: the task has not failed. */
  readonly reason: string | null;
}

/** The status of a connector and its tasks. */
export interface ConnectorStatus {
  readonly name: string;
  /** `RUNNING`, `FAILED`, `PAUSED`, `UNASSIGNED`, …, in Kafka Connect's words. */
  readonly state: string;
  readonly worker: string;
  /** The stack trace of the failure; null: the connector has not failed. */
  readonly trace: string | null;
  /** The innermost cause of the trace, one line; null: the connector has not failed. */
  readonly reason: string | null;
  /** The tasks. A connector may run while its task has failed. */
  readonly tasks: readonly TaskStatus[];
}

/**
 * Registers the connector or changes its settings, and waits until the connector and its tasks run.
 * A second call with equal settings changes nothing. Tasks that had failed before the call are
 * restarted once.
 *
 * @throws CONNECT_UNREACHABLE when nothing answers at the address.
 * @throws CONNECTOR_REFUSED when Kafka Connect refuses the settings.
 * @throws CONNECTOR_FAILED when a task fails; the error carries its trace.
 * @throws CONNECTOR_NOT_READY when the tasks do not run within `timeLimit`.
 * @example
 * await registerConnector({
 *   url: "http://localhost:8083",
 *   name: "bank",
 *   database: { host: "db", user: "debezium", password: "secret", name: "bank" },
 *   tables: ["public.payments"],
 * });
 */
export async function registerConnector(
  options: RegisterConnectorOptions,
): Promise<ConnectorStatus> {
  return applyConnector(options).catch((error: unknown) => {
    throw withoutPassword(error, options.database.password);
  });
}

/** Removes the password, which Kafka Connect may repeat, from the message of an error. */
function withoutPassword(error: unknown, password: string): unknown {
  if (!isTidemarkError(error) || password.length < 4 || !error.message.includes(password))
    return error;
  const message = error.message.replaceAll(password, "[password]");
  return new TidemarkError<string>(error.code, message, { retryable: error.retryable });
}

async function applyConnector(options: RegisterConnectorOptions): Promise<ConnectorStatus> {
  const config = connectorConfig(options);
  warnOfInsecurePassword(options);
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
 * Asks Kafka Connect which settings are invalid and why. The answer to the attempt itself may be
 * only an exception of the worker. Gives null if no setting is invalid.
 */
async function validationError(
  options: ConnectOptions,
  config: Readonly<Record<string, string>>,
): Promise<TidemarkError | null> {
  const plugin = encodeURIComponent(config["connector.class"] ?? "");
  const validate = `/connector-plugins/${plugin}/config/validate`;
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
 * Gives the status of the connector, or null if it does not exist.
 *
 * @throws CONNECT_UNREACHABLE when nothing answers at the address.
 * @example
 * const status = await connectorStatus({ url: "http://localhost:8083", name: "bank" });
 */
export async function connectorStatus(options: ConnectOptions): Promise<ConnectorStatus | null> {
  const { status, body } = await callConnect(options, "GET", connectorPath(options, "/status"));
  if (status === 404) return null;
  const { connector, tasks } = body as {
    readonly connector: {
      readonly state: string;
      readonly worker_id: string;
      readonly trace?: string;
    };
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
    worker: connector.worker_id,
    trace: connector.trace ?? null,
    reason: connector.trace === undefined ? null : innermostCause(connector.trace),
    tasks: tasks.map(({ id, state, worker_id: worker, trace }) => ({
      id,
      state,
      worker,
      trace: trace ?? null,
      reason: trace === undefined ? null : innermostCause(trace),
    })),
  };
}

/**
 * Restarts the connector and its tasks, and waits until they run.
 *
 * @throws CONNECT_UNREACHABLE when nothing answers at the address.
 * @throws CONNECTOR_NOT_FOUND when the connector does not exist.
 * @throws CONNECTOR_FAILED when a task fails again.
 * @throws CONNECTOR_NOT_READY when the tasks do not run within `timeLimit`.
 * @example
 * await restartConnector({ url: "http://localhost:8083", name: "bank" });
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
 * Deletes the connector. Its replication slot stays in the database. The slot holds back the
 * database's log until someone drops it.
 *
 * @throws CONNECT_UNREACHABLE when nothing answers at the address.
 * @throws CONNECTOR_NOT_FOUND when the connector does not exist.
 * @throws CONNECTOR_NOT_READY when the connector still exists after `timeLimit`.
 * @example
 * await deleteConnector({ url: "http://localhost:8083", name: "bank" });
 */
export async function deleteConnector(options: ConnectOptions): Promise<void> {
  const { status } = await callConnect(options, "DELETE", connectorPath(options, ""));
  if (status === 404) throw connectorNotFound(options);
  for (
    const deadline = performance.now() + timeLimitOf(options);
    (await connectorStatus(options)) !== null;
  ) {
    if (performance.now() > deadline)
      throw new TidemarkError(
        "CONNECTOR_NOT_READY",
        `connector ${options.name}: Kafka Connect was told to delete it and it still exists; ` +
          "look at the log of Kafka Connect's worker",
      );
    await sleep(250, undefined, { signal: options.signal });
  }
}

/**
 * Milliseconds until the status reflects a change or a restart. A connector counts as running after
 * it has run for this time.
 */
const STATUS_DELAY = 1_000;

/**
 * Waits until the connector and its tasks run. With `restart`, tasks that failed before are
 * restarted once.
 *
 * @throws CONNECTOR_FAILED when a task fails.
 * @throws CONNECTOR_NOT_READY when the tasks do not run within `timeLimit`.
 */
async function waitUntilRunning(
  options: ConnectOptions,
  restart: boolean,
): Promise<ConnectorStatus> {
  const { name, signal, timeLimit = "1m" } = options;
  const deadline = performance.now() + timeLimitOf(options);
  let mayRestart = restart;
  let since: number | null = null;
  for (;;) {
    const status = await connectorStatus(options);
    const failed =
      status === null ? [] : [status, ...status.tasks].filter(({ state }) => state === "FAILED");
    if (failed.length > 0 && !mayRestart) {
      throw new TidemarkError(
        "CONNECTOR_FAILED",
        `connector ${name}: ` +
          `${failed.map(({ trace }) => innermostCause(trace)).join("; ")}. ` +
          "Mend the cause, then restart the connector. Kafka Connect " +
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
          ? "it does not exist"
          : `the connector is ${status.state}, its tasks are ` +
            `${status.tasks.map(({ state }) => state).join(", ") || "missing"}`;
      throw new TidemarkError(
        "CONNECTOR_NOT_READY",
        `connector ${name}: after ${timeLimit} ${states}; look at the log of Kafka Connect's ` +
          "worker, or wait longer with timeLimit",
      );
    }
    await sleep(250, undefined, { signal });
  }
}

/** Gives the innermost cause of a stack trace: the cause that the user can mend. */
function innermostCause(trace: string | null): string {
  const lines = (trace ?? "it gives no reason").split("\n");
  return (lines.findLast((line) => line.startsWith("Caused by: ")) ?? lines[0]!)
    .replace("Caused by: ", "")
    .trim();
}

function connectorNotFound({ name, url }: ConnectOptions): TidemarkError {
  return new TidemarkError(
    "CONNECTOR_NOT_FOUND",
    `connector ${name}: Kafka Connect at ${url} has no connector of this name; check the name, ` +
      "or register it",
  );
}
