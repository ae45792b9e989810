/**
 * Finds the services of docker/compose.yaml, and starts and stops them under a separate name for
 * tests.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv, promisify } from "node:util";
import { removeAtExit } from "./guard.ts";
import { freePorts } from "./process.ts";
import type { PipelineAddresses } from "./pipeline.ts";

const run = promisify(execFile);

const home = join(fileURLToPath(new URL("../../..", import.meta.url)), "docker");
/** The path of docker/compose.yaml. */
export const composeFile = join(home, "compose.yaml");

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the environment that compose would use: docker/.env, overridden by the variables of this
 * process.
 */
export function composeEnvironment(): Environment {
  const file = join(home, ".env");
  return { ...(existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {}), ...process.env };
}

/**
 * Returns the addresses of the services of docker/compose.yaml, by the variables they were started
 * with. An error names the missing variables.
 */
export function composePipeline(
  env: Environment = composeEnvironment(),
): PipelineAddresses & { readonly trino: { readonly url: string } } {
  const missing = [
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "MINIO_ROOT_USER",
    "MINIO_ROOT_PASSWORD",
  ].filter((name) => (env[name] ?? "") === "");
  if (missing.length > 0)
    throw new Error(
      `compose: ${missing.join(", ")} not set; copy docker/.env.example to docker/.env, ` +
        "or set them as they were when the services were started",
    );
  // an empty variable counts as unset, as in the compose file
  const value = (name: string, otherwise: string): string =>
    (env[name] ?? "") === "" ? otherwise : env[name]!;
  const url = (name: string, port: number): string =>
    `http://127.0.0.1:${value(name, String(port))}`;
  const user = env["POSTGRES_USER"]!,
    password = env["POSTGRES_PASSWORD"]!,
    database = value("POSTGRES_DB", "bank");
  const host = "127.0.0.1",
    port = Number(value("POSTGRES_PORT", "5432"));
  return {
    postgres: {
      host,
      port,
      user,
      password,
      database,
      url:
        `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}` +
        `@${host}:${port}/${encodeURIComponent(database)}`,
    },
    kafka: { brokers: [`127.0.0.1:${value("KAFKA_PORT", "9092")}`] },
    connect: { url: url("CONNECT_PORT", 8083) },
    minio: {
      endpoint: url("MINIO_PORT", 9000),
      region: "us-east-1",
      credentials: {
        accessKeyId: env["MINIO_ROOT_USER"]!,
        secretAccessKey: env["MINIO_ROOT_PASSWORD"]!,
      },
    },
    trino: { url: url("TRINO_PORT", 8080) },
    inside: {
      postgres: { host: "postgres", port: 5432 },
      minio: { endpoint: "http://minio:9000" },
    },
  };
}

/** A running project of docker/compose.yaml. */
export interface Compose {
  /** The name of this project, which differs from those of other projects. */
  readonly project: string;
  /** The environment with which composePipeline finds the services. */
  readonly env: Readonly<Record<string, string>>;
  readonly addresses: ReturnType<typeof composePipeline>;
  /** Runs `docker compose …` on the project, and returns its output. */
  compose(...args: readonly string[]): Promise<string>;
  /** Stops the project and removes its volumes. */
  stop(): Promise<void>;
}

/**
 * Starts docker/compose.yaml beside other projects, on free ports and with its own passwords. Waits
 * until all services are healthy.
 */
export async function startCompose(): Promise<Compose> {
  const ports = [
    "POSTGRES_PORT",
    "KAFKA_PORT",
    "CONNECT_PORT",
    "MINIO_PORT",
    "MINIO_CONSOLE_PORT",
    "TRINO_PORT",
    "KAFKA_UI_PORT",
  ];
  const free = await freePorts(ports.length);
  const secret = (): string => randomBytes(12).toString("hex");
  const env = {
    POSTGRES_USER: "bank",
    POSTGRES_PASSWORD: secret(),
    POSTGRES_DB: "bank",
    MINIO_ROOT_USER: "lake",
    MINIO_ROOT_PASSWORD: secret(),
    ...Object.fromEntries(ports.map((name, at) => [name, String(free[at])])),
  };
  const project = `tidemark-${randomBytes(4).toString("hex")}`;
  const compose = async (...args: readonly string[]): Promise<string> =>
    (
      await run("docker", ["compose", "-p", project, "-f", composeFile, ...args], {
        env: { ...process.env, ...env },
        maxBuffer: 1 << 26,
      })
    ).stdout;
  const guard = removeAtExit(`com.docker.compose.project=${project}`);
  const stop = async (): Promise<void> => {
    await compose("down", "--volumes", "--timeout", "5");
    guard.release();
  };
  try {
    await compose("up", "--detach", "--wait", "--wait-timeout", "600");
  } catch (error) {
    const printed = await compose("logs", "--no-color", "--tail", "40").catch(() => "");
    const states = await compose("ps", "--all").catch(() => "");
    await stop();
    throw new Error(
      "compose: not every service of docker/compose.yaml came up: " +
        `${(error as Error).message}\n${states}\n${printed}`,
      { cause: error },
    );
  }
  return { project, env, addresses: composePipeline(env), compose, stop };
}
