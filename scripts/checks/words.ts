/**
 * The words that GLOSSARY.md does not use. A word of the kind `names` is refused in identifiers and
 * file names; a word of the kind `everywhere` in comments, strings and pages too.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { outcomeOf, repositoryFiles, root, type Step } from "./step.ts";

const GLOSSARY = "GLOSSARY.md";

interface UnusedWord {
  readonly word: string;
  readonly instead: string;
  /** Finds the word in text; null: the word is refused in names only. */
  readonly pattern: RegExp | null;
}

export const words: Step = {
  name: "words",
  async run() {
    const unused = unusedWords(readFileSync(join(root, GLOSSARY), "utf8"));
    const files = await repositoryFiles("*.ts", "*.tsx", "*.md");
    const found = files
      .filter((file) => file !== GLOSSARY)
      .flatMap((file) => foundIn(file, readFileSync(join(root, file), "utf8"), unused));
    const failed =
      unused.length === 0 ? [`${GLOSSARY}: its table of words not used is gone`] : found;
    return outcomeOf(failed);
  },
};

/** Names that others chose: Temporal's, Kafka's, HTML's, a street of the bank, an option. */
const FOREIGN = new Set([
  "epochNanoseconds",
  "BOOTSTRAP_SERVERS",
  "Mill Lane",
  "serveWhileFilling",
  "placeholder=",
]);

/** The rows of the glossary's second table. */
function unusedWords(glossary: string): readonly UnusedWord[] {
  return [...glossary.matchAll(/^\| (\S+) \| (.+) \| (names|everywhere) \|$/gm)].map(
    ([, word, instead, where]) => ({
      word: word!,
      instead: instead!,
      pattern: where === "everywhere" ? new RegExp(`\\b${word!}(s|d|r|rs|ing)?\\b`, "i") : null,
    }),
  );
}

function foundIn(file: string, text: string, unused: readonly UnusedWord[]): readonly string[] {
  const found: string[] = [];
  const refuse = (line: number, name: string, { word, instead }: UnusedWord): void => {
    found.push(`${file}:${line}: "${name}" has the word "${word}"; use: ${instead}`);
  };
  const names = /\.tsx?$/.test(file) ? namesIn(file, text) : [];
  for (const [name, line] of names.filter(([name]) => !FOREIGN.has(name)))
    for (const one of unused) if (wordsOf(name).includes(one.word)) refuse(line, name, one);
  const everywhere = unused.filter((one) => one.pattern !== null);
  text.split("\n").forEach((line, i) => {
    if ([...FOREIGN].some((name) => line.includes(name))) return;
    for (const one of everywhere) if (one.pattern!.test(line)) refuse(i + 1, line.trim(), one);
  });
  return found;
}

/** The names that a file declares, with the lines where they are declared, and its own name. */
function namesIn(file: string, text: string): readonly (readonly [string, number])[] {
  const own = file.split("/").at(-1)!.replace(/\..*$/, "");
  const names: (readonly [string, number])[] = [[own, 1]];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    const { name } = node as { name?: ts.Node };
    const isDeclared = !ts.isPropertyAccessExpression(node) && !ts.isJsxAttribute(node);
    if (name !== undefined && ts.isIdentifier(name) && isDeclared)
      names.push([name.text, source.getLineAndCharacterOfPosition(name.getStart(source)).line + 1]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

/** The words of a name in camel case, snake case or kebab case, in the singular. */
function wordsOf(name: string): readonly string[] {
  return name
    .split(/(?=[A-Z][a-z])|_|-/)
    .map((word) => word.toLowerCase().replace(/(?<=..)s$/, ""));
}
