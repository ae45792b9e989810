/**
 * Makes a command that reads the configuration. These commands share the options `--config`,
 * `--json`, `--quiet` and `--help`, and the forms of progress, result and errors.
 *
 * A command is `configCommand({ name, help, exitCodes, options, run })`. Its `run` returns the exit
 * code, or nothing for 0.
 */
import { isTidemarkError } from "@tidemark/core";
import { definitionMismatchText } from "@tidemark/core/internal";
import { loadConfig, type LoadedConfig } from "../config/config-file.ts";
import { openConfigured, type Configured, type OpenOptions } from "../config/open-configured.ts";
import { redact, redactAll } from "../config/secret.ts";
import { commandLine, openAuditLog } from "../output/audit-log.ts";
import { readOptions, usage, type ParsedOptions, type OptionKind } from "../terminal/options.ts";
import { progressOn, type Progress, type CommandContext } from "../terminal/progress.ts";

export interface CommandRun {
  readonly given: ParsedOptions;
  readonly config: LoadedConfig;
  /** Progress on stderr. With `--quiet` it writes only warnings. */
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Opens the stores of the configuration. The end of the command closes them. */
  open(options?: OpenOptions): Promise<Configured>;
  /**
   * Prints the result: `object` as one line of JSON with `--json`, otherwise the lines. Secrets are
   * redacted in both.
   */
  printResult(object: Readonly<Record<string, unknown>>, lines: readonly string[]): void;
  /** Adds what the command did to its line in the audit log. */
  audit(details: Readonly<Record<string, unknown>>): void;
  /** The time since the command began, such as `1.4 s`. */
  seconds(): string;
}

export interface ConfigCommand {
  /** The name on the command line, such as `plan`. */
  readonly name: string;
  /** The text of `--help`, without the shared options and the exit codes. */
  readonly help: string;
  /** The meaning of each exit code but 2. */
  readonly exitCodes: Readonly<Record<number, string>>;
  /** The name of the word that the command takes beside its options. The word is required. */
  readonly argument?: string | undefined;
  /** The options of this command alone. */
  readonly options: Readonly<Record<string, OptionKind>>;
  /** The options that must be given. */
  readonly required?: readonly string[] | undefined;
  /** True if the command changes stores or tables, so that the audit log has a line of it. */
  readonly audited?: boolean | undefined;
  /** Says whether these options need no configuration. The configuration is then empty. */
  readonly withoutConfig?: ((given: ParsedOptions) => boolean) | undefined;
  /** What an interruption leaves behind, such as "nothing was changed". */
  readonly interrupted: string;
  run(run: CommandRun): Promise<number | undefined>;
}

const NO_CONFIG: LoadedConfig = { definitions: {}, file: "the command line", path: "" };

const SHARED_OPTIONS = { config: "text", json: "flag", quiet: "flag", help: "flag" } as const;

const sharedHelp = `  --config FILE         the configuration; default: tidemark.config.ts
  --json                print the result as one line of JSON on stdout; an error too, as
                        {"error": {"code", "message", "docs"}}
  --quiet               print no progress on stderr
  --help                print this text

Exit codes:
`;

/** The text of `--help`: the command's own text, the shared options and the exit codes. */
function fullHelp({ help, exitCodes }: Pick<ConfigCommand, "help" | "exitCodes">): string {
  const codes = { ...exitCodes, 2: "the command line is wrong" };
  const lines = Object.entries(codes).map(
    ([code, text]) => `  ${code.padEnd(5)}${text}
`,
  );
  return help + sharedHelp + lines.join("");
}

/** Makes the function that the command line calls. */
export function configCommand({
  name,
  help,
  exitCodes,
  argument,
  options,
  required = [],
  audited = false,
  withoutConfig,
  interrupted,
  run,
}: ConfigCommand): (args: readonly string[], surroundings: CommandContext) => Promise<number> {
  return async (args, { stdout, stderr, signal }) => {
    const given = readOptions(args, { ...options, ...SHARED_OPTIONS }, argument);
    if (given.has("help")) {
      stdout.write(fullHelp({ help, exitCodes }));
      return 0;
    }
    if (argument !== undefined && !given.has(argument))
      throw usage(`say which ${argument}: tidemark ${name} ${argument.toUpperCase()}`);
    const missing = required.filter((one) => !given.has(one));
    if (missing.length > 0)
      throw usage(
        `${missing.map((one) => `--${one}`).join(", ")} ` +
          `${missing.length === 1 ? "is" : "are"} missing`,
      );
    const json = given.has("json");
    const progress = progressOn(stderr, given.has("quiet"));
    const started = performance.now();
    const opened: Configured[] = [];
    try {
      const config =
        withoutConfig?.(given) === true ? NO_CONFIG : await loadConfig(given.text("config"));
      const audit = audited ? openAuditLog(config, stderr) : null;
      let details: Readonly<Record<string, unknown>> = { namespace: config.namespace ?? "default" };
      const code = await run({
        given,
        config,
        progress,
        signal,
        async open(openOptions) {
          const configured = await openConfigured(config, {
            signal,
            onDefinitionMismatch:
              config.onDefinitionMismatch ??
              ((mismatch) => {
                progress.warn(definitionMismatchText(mismatch));
              }),
            ...openOptions,
          });
          opened.push(configured);
          return configured;
        },
        printResult(object, lines) {
          progress.end();
          stdout.write(
            json ? `${jsonLine(object)}\n` : lines.map((line) => `${redact(line)}\n`).join(""),
          );
        },
        audit(more) {
          details = { ...details, ...more };
        },
        seconds: () => `${((performance.now() - started) / 1000).toFixed(1)} s`,
      }).then(
        (exitCode = 0) => {
          progress.end();
          audit?.write(commandLine(name, details, { exitCode }));
          return exitCode;
        },
        (error: unknown) => {
          progress.end();
          // a wrong command line has changed nothing
          if (!isTidemarkError(error, "USAGE"))
            audit?.write(commandLine(name, details, { error, interrupted: signal.aborted }));
          throw error;
        },
      );
      audit?.close();
      return code;
    } catch (error) {
      if (isTidemarkError(error, "USAGE")) throw error;
      const text = signal.aborted
        ? { code: "INTERRUPTED", message: interrupted }
        : {
            code: isTidemarkError(error) ? error.code : "UNEXPECTED",
            message: error instanceof Error ? error.message : String(error),
            ...(isTidemarkError(error) ? { docs: error.docs } : {}),
          };
      progress.end();
      if (json) stdout.write(`${jsonLine({ error: text })}\n`);
      if (!signal.aborted) throw error;
      stderr.write(`tidemark ${name}: interrupted; ${interrupted}\n`);
      return 130;
    } finally {
      progress.end();
      await Promise.allSettled(opened.map((one) => one.close()));
    }
  };
}

/** One line of JSON without secrets. An int64 is a string of all its digits. */
function jsonLine(object: unknown): string {
  return JSON.stringify(redactAll(object), (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}
