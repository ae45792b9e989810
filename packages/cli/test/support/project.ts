/**
 * A directory as a user's project: definitions, recorded topics and requests, and the command run
 * in it.
 */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startNode } from "@tidemark/testkit/child-process";
import { onTestFinished } from "vitest";

const packages = fileURLToPath(new URL("../../..", import.meta.url));
const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  /** Without the lines of the audit log. */
  readonly stderr: string;
  /** The lines of the audit log on stderr. */
  readonly audit: readonly Readonly<Record<string, unknown>>[];
}

interface StartOptions {
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class Project {
  readonly directory: string;
  /** Where the command puts its temporary files. */
  readonly temporary: string;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "tidemark-cli-"));
    this.temporary = join(this.directory, "tmp");
    mkdirSync(this.temporary);
    mkdirSync(join(this.directory, "node_modules", "@tidemark"), { recursive: true });
    symlinkSync(join(packages, "core"), join(this.directory, "node_modules", "@tidemark", "core"));
    this.write("package.json", JSON.stringify({ private: true, type: "module" }));
    onTestFinished(() => {
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(this.path(name), content);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  files(name = "."): string[] {
    return readdirSync(this.path(name)).toSorted();
  }

  start(
    args: readonly string[],
    { nodeOptions = [], env = {} }: StartOptions = {},
  ): { readonly child: Child; readonly ended: Promise<CommandResult> } {
    const child = startNode(bin, args, {
      cwd: this.directory,
      nodeOptions,
      env: { TMPDIR: this.temporary, ...env },
    });
    const ended = child.ended.then(({ code, stdout, stderr }) => {
      const lines = stderr.split(/(?<=\n)/);
      const audited = lines.filter(isAuditLine);
      return {
        code,
        stdout,
        stderr: lines.filter((line) => !isAuditLine(line)).join(""),
        audit: audited.map((line) => JSON.parse(line) as Record<string, unknown>),
      };
    });
    return { child, ended };
  }

  run(...args: string[]): Promise<CommandResult> {
    return this.start(args).ended;
  }

  /**
   * The command on features.ts, topic.jsonl and requests.jsonl; later options replace earlier ones
   * of the same name.
   */
  replay(
    options: Readonly<Record<string, string | true | undefined>> = {},
  ): Promise<CommandResult> {
    return this.run(...replayArgs(options));
  }
}

function isAuditLine(line: string): boolean {
  return line.startsWith("{") && line.includes('"audit":true');
}

export function replayArgs(
  options: Readonly<Record<string, string | true | undefined>> = {},
): string[] {
  const all: Readonly<Record<string, string | true | undefined>> = {
    definitions: "features.ts",
    topic: "topic.jsonl",
    service: "all",
    requests: "requests.jsonl",
    out: "answers.jsonl",
    ...options,
  };
  return [
    "replay",
    ...Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : value === true ? [`--${name}`] : [`--${name}`, value],
    ),
  ];
}
