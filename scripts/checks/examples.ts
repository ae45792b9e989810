/**
 * Every public name has a comment, every public function an example, and every example compiles.
 *
 * An example is compiled as the body of a function. It may use each public name of the packages,
 * and the names of `docs/test/examples/names.ts`.
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { entryPoints, publishedPackages } from "./packages.ts";
import { outcomeOf, root, type Step } from "./step.ts";

const HOME = join(root, "docs", "test", "examples");
const NAMES = "./names.ts";

interface Example {
  /** Where the example stands, for messages. */
  readonly name: string;
  readonly text: string;
  /** The entry point that exports what it shows. Its names are meant. */
  readonly entry: string;
  /** The name of what it shows. */
  readonly shown: string;
}

export const examples: Step = {
  name: "examples",
  async run() {
    const options = compilerOptions();
    const entries = publicEntries();
    const program = ts.createProgram([...entries.values(), join(HOME, NAMES)], options);
    const checker = program.getTypeChecker();
    const complaints: string[] = [];
    const found = new Map<string, Example>();
    /** The module of each name that an example may use. */
    const modules = new Map<string, string>();
    const names = new Map<string, ReadonlySet<string>>();
    for (const name of exportsOf(program, join(HOME, NAMES))) modules.set(name.name, NAMES);
    for (const [module, file] of entries) {
      const all = exportsOf(program, file);
      names.set(module, new Set(all.map(({ name }) => name)));
      for (const exported of all) {
        const symbol =
          exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        const declaration = symbol.declarations?.[0];
        if (declaration === undefined) continue;
        if (!modules.has(exported.name)) modules.set(exported.name, module);
        const where = `${relative(root, declaration.getSourceFile().fileName)} ${exported.name}`;
        if (symbol.getDocumentationComment(checker).length === 0)
          complaints.push(`${where}: has no comment; say what it is`);
        const own = examplesOf(symbol, checker);
        if (own.length === 0 && isValue(declaration))
          complaints.push(`${where}: has no @example; show a use of it`);
        for (const [i, text] of own.entries())
          found.set(`${where} ${i}`, { name: where, text, entry: module, shown: exported.name });
        for (const member of symbol.members?.values() ?? [])
          for (const [i, text] of examplesOf(member, checker).entries())
            found.set(`${where}.${member.name} ${i}`, {
              name: `${where}.${member.name}`,
              text,
              entry: module,
              shown: exported.name,
            });
      }
    }
    const moduleOfName = (name: string, { entry, shown }: Example): string | undefined => {
      const first = modules.get(name);
      const isOwn = first !== NAMES || name === shown;
      return isOwn && names.get(entry)!.has(name) ? entry : first;
    };
    return outcomeOf([...complaints, ...compile([...found.values()], moduleOfName, options)]);
  },
};

function compilerOptions(): ts.CompilerOptions {
  const file = join(root, "tsconfig.base.json");
  const { compilerOptions } = JSON.parse(readFileSync(file, "utf8")) as { compilerOptions: object };
  return ts.convertCompilerOptionsFromJson(
    { ...compilerOptions, noUnusedLocals: false, verbatimModuleSyntax: false },
    root,
  ).options;
}

/** The source file of each entry point that a user imports. */
function publicEntries(): ReadonlyMap<string, string> {
  return new Map(
    publishedPackages().flatMap(({ directory, manifest }) =>
      entryPoints(manifest)
        .filter((entry) => !/\/internal(?:$|\/)/.test(entry))
        .map((entry) => {
          const path = `.${entry.slice(manifest.name.length)}`;
          const target = manifest.exports![path] as Readonly<Record<string, string>>;
          return [entry, join(directory, target["@tidemark/source"]!)] as const;
        }),
    ),
  );
}

function exportsOf(program: ts.Program, file: string): readonly ts.Symbol[] {
  const checker = program.getTypeChecker();
  return checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!);
}

function isValue(declaration: ts.Declaration): boolean {
  return (
    ts.isFunctionDeclaration(declaration) ||
    ts.isClassDeclaration(declaration) ||
    ts.isVariableDeclaration(declaration)
  );
}

function examplesOf(symbol: ts.Symbol, checker: ts.TypeChecker): readonly string[] {
  return symbol
    .getJsDocTags(checker)
    .filter(({ name }) => name === "example")
    .map(({ text }) => ts.displayPartsToString(text));
}

/** Compiles the examples in memory, each as a module. */
function compile(
  all: readonly Example[],
  moduleOfName: ModuleOfName,
  options: ts.CompilerOptions,
): readonly string[] {
  const files = new Map(
    all.map((example, i) => [
      join(HOME, `example-${i}.ts`),
      { example, text: moduleOf(example, moduleOfName) },
    ]),
  );
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (file, ...rest) => {
    const text = files.get(file)?.text;
    return text === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, text, ts.ScriptTarget.ES2023);
  };
  host.fileExists = (file) => files.has(file) || fileExists(file);
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([file, { example }]) => {
    const sourceFile = program.getSourceFile(file)!;
    return [
      ...program.getSyntacticDiagnostics(sourceFile),
      ...program.getSemanticDiagnostics(sourceFile),
    ].map(
      ({ messageText }) =>
        `${example.name}: its example does not compile: ` +
        ts.flattenDiagnosticMessageText(messageText, " "),
    );
  });
}

/** Gives the module of a name that an example uses. */
type ModuleOfName = (name: string, example: Example) => string | undefined;

function moduleOf(example: Example, moduleOfName: ModuleOfName): string {
  const imports = [...new Set(example.text.match(/[A-Za-z]\w*/g))].flatMap((name) => {
    const module = moduleOfName(name, example);
    return module === undefined ? [] : [`import { ${name} } from "${module}";`];
  });
  const body = example.text.replace(/^export default /m, "const exported = ");
  return `${imports.join("\n")}\nexport async function example() {\n${body}\n}\n`;
}
