/** Makes a user's project of a page's examples: a directory where `@tidemark/*` are installed. */
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChildEnd, startNode } from "@tidemark/testkit/child-process";
import { startPython } from "@tidemark/testkit/python-program";
import ts from "typescript";
import { type Block, type Page, root, valueOf } from "./page.ts";

export interface Project {
  readonly directory: string;
  /** The file of each TypeScript block. */
  readonly files: ReadonlyMap<Block, string>;
}

/** Returns the code before a snippet in its file: the page's prelude, or nothing. */
function headOf(page: Page, { code }: Block): string {
  return /^import /m.test(code) ? "" : page.prelude;
}

/** Makes the directory of all projects, which git ignores. */
export function makeHome(): string {
  mkdirSync(join(root, ".tidemark"), { recursive: true });
  const home = mkdtempSync(join(root, ".tidemark", "docs-"));
  symlinkSync(join(root, "docs", "node_modules"), join(home, "node_modules"), "junction");
  return home;
}

/** Writes the page's files beside the recorded topics of docs/examples. */
export function makeProject(home: string, page: Page): Project {
  const directory = join(home, page.name.replace(/[^A-Za-z0-9]+/g, "-"));
  cpSync(join(root, "docs", "examples"), directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  const files = new Map<Block, string>();
  for (const block of page.blocks) {
    const named = valueOf(block, "file");
    if (block.language === "ts") {
      const file = join(directory, named ?? `line-${block.line}.ts`);
      files.set(block, file);
      writeFileSync(file, `${headOf(page, block)}${block.code}export {};\n`);
    } else if (named !== undefined) writeFileSync(join(directory, named), block.code);
  }
  return { directory, files };
}

export interface Complaint {
  /** The line of the page. */
  readonly line: number;
  readonly message: string;
}

/** Compiles each block with the packages' own options, and returns the compiler's complaints. */
export function complaints(
  projects: readonly { readonly page: Page; readonly project: Project }[],
): ReadonlyMap<Block, readonly Complaint[]> {
  const config = ts.parseConfigFileTextToJson(
    "tsconfig.base.json",
    ts.sys.readFile(join(root, "tsconfig.base.json"))!,
  ).config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...config.compilerOptions,
      noUnusedLocals: false,
      noErrorTruncation: true,
      typeRoots: [join(root, "node_modules/@types")],
    },
    root,
  );
  const program = ts.createProgram(
    projects.flatMap(({ project }) => [...project.files.values()]),
    options,
  );
  const found = new Map<Block, Complaint[]>();
  for (const { page, project } of projects) {
    for (const [block, name] of project.files) {
      const file = program.getSourceFile(name)!;
      const before = headOf(page, block).split("\n").length - 1;
      found.set(
        block,
        [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
          (one) => ({
            line: block.line + file.getLineAndCharacterOfPosition(one.start ?? 0).line - before,
            message: ts.flattenDiagnosticMessageText(one.messageText, "\n"),
          }),
        ),
      );
    }
  }
  return found;
}

const env = { TZ: "UTC", NO_COLOR: "1" };

/** A server of a page's project. */
export interface ServedPage {
  /** Returns the code with the address of this server in place of the default. */
  reached(code: string): string;
  end(): Promise<unknown>;
}

/** Runs the commands of a block, the last of which is `tidemark serve`. */
export async function servePage({ directory }: Project, block: Block): Promise<ServedPage> {
  const program = join(root, "packages/cli/src/bin.ts");
  const commands = block.code.trim().split("\n");
  const last = commands.pop();
  if (last !== "npx tidemark serve") throw new Error(`${String(last)} is not npx tidemark serve`);
  for (const command of commands) {
    const child = startNode(program, command.split(" ").slice(2), { cwd: directory, env });
    await child.succeeded();
  }
  const args = ["serve", "--port", "0", "--json"];
  const server = startNode(program, args, { cwd: directory, env });
  const { address } = JSON.parse(await server.line()) as { readonly address: string };
  return {
    reached: (code) => code.replaceAll("http://localhost:6570", address),
    async end() {
      server.kill("SIGTERM");
      return server.ended;
    },
  };
}

/** Runs Python code in the project. */
export function runPython({ directory }: Project, python: string, code: string): Promise<ChildEnd> {
  return startPython(python, ["-c", code], { cwd: directory, env }).ended;
}

/** Runs a TypeScript program in the project. */
export function runNode(
  { directory }: Project,
  program: string,
  args: readonly string[] = [],
): Promise<ChildEnd> {
  return startNode(program, args, { cwd: directory, env }).ended;
}
