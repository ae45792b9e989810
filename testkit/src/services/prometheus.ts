/** Starts a Prometheus and an Alertmanager, and finds promtool. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { freePorts, dataFolder, processService } from "./process.ts";
import type { Service } from "./service.ts";

/** A running Prometheus or Alertmanager. */
export interface MonitoringService extends Service {
  readonly url: string;
}

/** The programs of Debian's packages prometheus and prometheus-alertmanager. */
export interface MonitoringPrograms {
  readonly promtool: string;
  readonly prometheus: string;
  readonly alertmanager: string;
}

/**
 * Returns the programs; null if one is not installed. TIDEMARK_PROMETHEUS names a folder of all
 * three.
 */
export function monitoringPrograms(): MonitoringPrograms | null {
  const folders = [
    process.env["TIDEMARK_PROMETHEUS"],
    ...(process.env["PATH"] ?? "").split(delimiter),
  ].filter((folder) => folder !== undefined && folder !== "");
  const find = (...names: string[]): string | undefined =>
    folders
      .flatMap((folder) => names.map((name) => join(folder!, name)))
      .find((path) => existsSync(path));
  const promtool = find("promtool");
  const prometheus = find("prometheus");
  const alertmanager = find("alertmanager", "prometheus-alertmanager");
  return promtool === undefined || prometheus === undefined || alertmanager === undefined
    ? null
    : { promtool, prometheus, alertmanager };
}

function programs(): MonitoringPrograms {
  const found = monitoringPrograms();
  if (found === null)
    throw new Error("no Prometheus or Alertmanager on this machine; install both");
  return found;
}

const answers = (url: string) => (): Promise<boolean> =>
  fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Starts a Prometheus with a configuration file. Relative paths in it go from its folder. */
export async function startPrometheus(configuration: string): Promise<MonitoringService> {
  const [port] = (await freePorts(1)) as [number];
  const folder = dataFolder("prometheus");
  const url = `http://127.0.0.1:${port}`;
  const service = await processService({
    name: "prometheus",
    command: programs().prometheus,
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    folder,
    ready: answers(url),
    readyTimeout: 60,
  });
  return { ...service, url };
}

/** Starts an Alertmanager with a configuration file. */
export async function startAlertmanager(configuration: string): Promise<MonitoringService> {
  const [port] = (await freePorts(1)) as [number];
  const folder = dataFolder("alertmanager");
  const url = `http://127.0.0.1:${port}`;
  const service = await processService({
    name: "alertmanager",
    command: programs().alertmanager,
    args: [
      `--config.file=${configuration}`,
      `--storage.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ],
    folder,
    ready: answers(url),
    readyTimeout: 60,
  });
  return { ...service, url };
}
