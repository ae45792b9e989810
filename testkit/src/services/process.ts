/**
 * Starts a program, waits until it is ready, and stops it. The program does not outlive the process
 * that started it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LogRing } from "./log-ring.ts";
import type { Service } from "./service.ts";

/** How a program is started. */
export interface ProcessOptions {
  /** The name in messages, such as `kafka`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  /** The user of the process, if this process is root and the program refuses to be. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Polled until it returns true. `log` is the last part of the program's output. */
  readonly ready: (log: string) => boolean | Promise<boolean>;
  /** The signal that asks the program to end. Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  /** The seconds after which a program that is not ready has failed. Default: 180. */
  readonly readyTimeout?: number | undefined;
  /** A folder that is removed if this process dies without stopping the program. */
  readonly folder?: string | undefined;
}

/** A running program. */
export interface RunningProcess {
  /** Whether the program still runs. */
  alive(): boolean;
  /** Returns the program's last output. */
  log(): string;
  /** Ends the program and waits until it is gone. SIGKILL leaves it no time to tidy up. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts the program and waits until it is ready. If it is not ready in time, the error shows its
 * last output.
 */
async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { name, command, args, ready, stopSignal = "SIGTERM", readyTimeout = 180 } = options;
  const log = new LogRing();
  const child = spawn(command, args, {
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.user,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let ended: string | null = null;
  const gone = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      ended = `could not be started: ${error.message}`;
      resolve();
    });
    child.on("exit", (code, signal) => {
      ended = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
      resolve();
    });
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      log.add(text);
    });
  const guard = guarded(child, stopSignal, options.folder);

  const end = async (signal: NodeJS.Signals = stopSignal): Promise<void> => {
    guard?.kill("SIGKILL");
    if (ended === null) child.kill(signal);
    const killTimer = setTimeout(() => {
      child.kill("SIGKILL");
    }, 20_000);
    await gone;
    clearTimeout(killTimer);
  };
  const failed = (why: string): Error =>
    new Error(`${name} ${why}; it printed last:\n${log.text()}`);

  const deadline = performance.now() + readyTimeout * 1000;
  while (ended === null && !(await ready(log.text()))) {
    if (performance.now() > deadline) {
      await end("SIGKILL");
      throw failed(`was not ready after ${readyTimeout} s`);
    }
    await Promise.race([sleep(50), gone]);
  }
  if (ended !== null) {
    guard?.kill("SIGKILL");
    throw failed(ended);
  }
  return { alive: () => ended === null, log: () => log.text(), end };
}

/**
 * Waits for the end of its input, which ends with our process. Then it ends the program and removes
 * its folder.
 */
const GUARD_SCRIPT = `
cat >/dev/null
kill -s "$2" "$1" 2>/dev/null
for wait in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  kill -0 "$1" 2>/dev/null || break
  sleep 0.1
done
kill -s KILL "$1" 2>/dev/null
[ -z "$3" ] || rm -rf "$3"
`;

function guarded(
  child: ChildProcess,
  signal: NodeJS.Signals,
  folder: string | undefined,
): ChildProcess | null {
  if (child.pid === undefined) return null;
  // A session of its own, because Ctrl-C goes to every process of the terminal's session.
  const guard = spawn(
    "sh",
    ["-c", GUARD_SCRIPT, "guard", String(child.pid), signal.slice(3), folder ?? ""],
    { stdio: ["pipe", "ignore", "ignore"], detached: true },
  );
  guard.on("error", () => undefined);
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard;
}

/** Returns ports of this machine that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.on("error", reject);
          server.listen(0, "127.0.0.1", () => {
            resolve(server);
          });
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(
    servers.map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve);
        }),
    ),
  );
  return ports;
}

/** Makes a folder for the data of a service. */
export function dataFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `tidemark-${name}-`));
}

/** Runs a service as a process. `prepare` runs once before the first start. */
export async function processService(
  options: ProcessOptions & {
    readonly folder: string;
    readonly prepare?: (() => Promise<unknown>) | undefined;
  },
): Promise<Service> {
  const { folder, prepare = () => Promise.resolve() } = options;
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  let running = await prepare()
    .then(() => startProcess(options))
    .catch((error: unknown) => {
      remove();
      throw error;
    });
  return {
    name: options.name,
    log: () => running.log(),
    halt: (signal) => running.end(signal),
    async resume() {
      if (!running.alive()) running = await startProcess(options);
    },
    async stop() {
      await running.end();
      remove();
    },
  };
}
