/** Compiles small texts together, as modules beside this one, and returns the errors by line. */
import { join } from "node:path";
import ts from "typescript";

export interface Complaint {
  /** Number of the line, from 1. */
  readonly line: number;
  readonly message: string;
}

const root = join(import.meta.dirname, "../../..");

/** Returns the complaints of each text, in order, and the program for measuring. */
export function compile(
  texts: readonly string[],
  more: ts.CompilerOptions = {},
): { readonly complaints: readonly (readonly Complaint[])[]; readonly program: ts.Program } {
  const config = ts.parseConfigFileTextToJson(
    "tsconfig.base.json",
    ts.sys.readFile(join(root, "../../tsconfig.base.json"))!,
  ).config as { compilerOptions: object };
  const { options, errors } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, noUnusedLocals: false, noErrorTruncation: true },
    root,
  );
  if (errors.length > 0)
    throw new Error(ts.flattenDiagnosticMessageText(errors[0]!.messageText, "\n"));
  const files = new Map(
    texts.map((text, i) => [join(import.meta.dirname, `snippet-${i}.ts`), text]),
  );
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, target, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile(name, target, ...rest)
      : ts.createSourceFile(name, text, target);
  };
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  const program = ts.createProgram([...files.keys()], { ...options, ...more }, host);
  const complaints = [...files.keys()].map((name) => {
    const file = program.getSourceFile(name)!;
    return [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
      ...(more.declaration === true ? program.getDeclarationDiagnostics(file) : []),
    ].map((found) => ({
      line: file.getLineAndCharacterOfPosition(found.start ?? 0).line + 1,
      message: ts.flattenDiagnosticMessageText(found.messageText, "\n"),
    }));
  });
  return { complaints, program };
}
