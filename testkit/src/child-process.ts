/**
 * Starts a program as a child process, collects its output, and waits for lines and for its end. A
 * child process is killed at the end of the test that started it. A child process that no single
 * test started is killed at the end of its test file, or of this process.
 *
 *     const child = startNode(program, [folder], { stdin: "pipe" });
 *     await child.line("ready");
 *     child.write("go\n");
 *     const { stdout } = await child.succeeded();
 */
import { type ChildProcess, spawn } from "node:child_process";
import { basename } from "node:path";
import { afterAll, onTestFinished, TestRunner } from "vitest";

/** How a program is started. */
export interface ChildOptions {
  readonly cwd?: string | undefined;
  /** Variables beside those of this process. NODE_OPTIONS is empty unless it is given here. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The child process sees the variables of this process. Default: true. */
  readonly inheritEnv?: boolean | undefined;
  /** `pipe`: the caller writes the input. Default: `ignore`. */
  readonly stdin?: "ignore" | "pipe" | undefined;
  /** The whole input. The input ends after it. */
  readonly input?: string | undefined;
  /** A command and its arguments that run the program, such as `taskset`. Default: none. */
  readonly through?: readonly string[] | undefined;
  /** The child process leads a process group of its own. Default: false. */
  readonly detached?: boolean | undefined;
}

/** How a program of this repository is started. */
export interface NodeOptions extends ChildOptions {
  /** Flags of Node beside the condition `@tidemark/source`. */
  readonly nodeOptions?: readonly string[] | undefined;
}

/** How a child process ended, and its output. */
export interface ChildEnd {
  /** The exit code; null if a signal ended the child process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The signal, or the exit code as text. */
  readonly how: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, in the order of arrival. */
  readonly output: string;
}

/** How long a wait may take. */
export interface WaitOptions {
  /** The seconds after which the wait fails. Default: 100, less than the time of a test. */
  readonly seconds?: number | undefined;
}

/** Starts a program of this repository in the Node that runs this process. */
export function startNode(
  program: string,
  args: readonly (string | number)[] = [],
  { nodeOptions = [], ...options }: NodeOptions = {},
): Child {
  const node = ["--conditions=@tidemark/source", ...nodeOptions, program, ...args.map(String)];
  return start(basename(program), process.execPath, node, options);
}

/** Starts any program. */
export function startProgram(
  command: string,
  args: readonly string[] = [],
  options: ChildOptions = {},
): Child {
  return start(basename(command), command, args, options);
}

const running = new Set<Child>();

function start(
  name: string,
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Child {
  const { cwd, env = {}, inheritEnv = true, stdin = "ignore", input, detached = false } = options;
  const [first, ...rest] = [...(options.through ?? []), command, ...args];
  const child = new Child(
    name,
    spawn(first!, rest, {
      cwd,
      env: { ...(inheritEnv ? { ...process.env, NODE_OPTIONS: "" } : {}), ...env },
      detached,
      stdio: [input === undefined ? stdin : "pipe", "pipe", "pipe"],
    }),
  );
  if (input !== undefined) child.endInput(input);
  running.add(child);
  void child.gone.then(() => running.delete(child));
  const test = TestRunner.getCurrentTest();
  // the current test of concurrent tests is not the one that started the child process
  if (test !== undefined && test.concurrent !== true)
    onTestFinished(async ({ task }) => {
      if (!child.hasEnded && task.result?.state === "fail")
        console.error(child.failure("was still running").message);
      child.kill();
      await child.gone;
    });
  return child;
}

process.on("exit", () => {
  for (const child of running) child.kill();
});
if (process.env["VITEST_WORKER_ID"] !== undefined)
  afterAll(async () => {
    for (const child of running) child.kill();
    await Promise.all([...running].map(({ gone }) => gone));
  });

/** A program in a child process, with its output so far. */
export class Child {
  readonly pid: number | undefined;
  /** The whole lines of the standard output so far. */
  readonly lines: string[] = [];
  /** Called with every line of the standard output. */
  onLine: (line: string) => void = () => undefined;
  /** Resolves when the program has ended and its output is read. Rejects if it did not start. */
  readonly ended: Promise<ChildEnd>;
  /** Resolves when the process is gone, or if it did not start. */
  readonly gone: Promise<void>;
  readonly #name: string;
  readonly #process: ChildProcess;
  #text = { stdout: "", stderr: "", output: "" };
  #rest = "";
  /** The number of lines that `line` has returned or skipped. */
  #read = 0;
  #how: string | null = null;
  #waiting = new Set<() => void>();

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#process = child;
    this.pid = child.pid;
    for (const stream of ["stdout", "stderr"] as const)
      child[stream]!.setEncoding("utf8").on("data", (text: string) => {
        this.#text[stream] += text;
        this.#text.output += text;
        if (stream === "stdout") this.#addLines(text);
        this.#changed();
      });
    // a child process that has ended takes no more input
    child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve, reject) => {
      child.on("error", (error) => {
        this.#how ??= `did not start: ${error.message}`;
        this.#changed();
        reject(this.failure(this.#how));
      });
      child.on("close", (code, signal) => {
        const how = signal ?? String(code);
        this.#how ??= `ended with ${how}`;
        this.#changed();
        resolve({ code, signal, how, ...this.#text });
      });
    });
    this.ended.catch(() => undefined);
    this.gone = new Promise((resolve) => {
      child.on("exit", () => {
        resolve();
      });
      child.on("error", () => {
        resolve();
      });
    });
  }

  get stdout(): string {
    return this.#text.stdout;
  }

  get stderr(): string {
    return this.#text.stderr;
  }

  get output(): string {
    return this.#text.output;
  }

  get hasEnded(): boolean {
    return this.#how !== null;
  }

  /** Waits for the next line of the standard output that matches; the lines before are skipped. */
  line(pattern: string | RegExp = /^/, options?: WaitOptions): Promise<string> {
    const next = (): string | null => {
      while (this.#read < this.lines.length) {
        const line = this.lines[this.#read++]!;
        if (typeof pattern === "string" ? line === pattern : pattern.test(line)) return line;
      }
      return null;
    };
    return this.#until(next, `the line ${String(pattern)}`, options);
  }

  /** Waits until the output holds the text, anywhere since the start. */
  async printed(text: string, options?: WaitOptions): Promise<void> {
    await this.#until(
      () => this.stdout.includes(text) || this.stderr.includes(text) || null,
      `"${text}"`,
      options,
    );
  }

  /** Waits for the end and throws, with the output, unless the exit code is 0. */
  async succeeded(): Promise<ChildEnd> {
    const end = await this.ended;
    if (end.code !== 0) throw this.failure(`ended with ${end.how}`);
    return end;
  }

  write(text: string): void {
    this.#process.stdin!.write(text);
  }

  endInput(text = ""): void {
    this.#process.stdin!.end(text);
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#process.kill(signal);
  }

  /** Makes an error about the child process, with the end of its output. */
  failure(what: string): Error {
    return new Error(`${this.#name} ${what}; its output:\n${this.output.slice(-8000)}`);
  }

  #addLines(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      this.lines.push(line);
      this.onLine(line);
    }
  }

  #changed(): void {
    for (const check of this.#waiting) check();
  }

  #until<T>(found: () => T | null, what: string, { seconds = 100 }: WaitOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        act();
      };
      const check = (): void => {
        const value = found();
        if (value !== null)
          settle(() => {
            resolve(value);
          });
        else if (this.#how !== null)
          settle(() => {
            reject(this.failure(`${this.#how} before it printed ${what}`));
          });
      };
      const timer = setTimeout(() => {
        settle(() => {
          reject(this.failure(`did not print ${what} within ${seconds} s`));
        });
      }, seconds * 1000);
      this.#waiting.add(check);
      check();
    });
  }
}
