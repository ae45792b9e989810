/** Finds the JSON text of one member of an object, so that every digit of it stays. */

/**
 * Gives the text of a member's value as the line has it. The line is valid JSON of an object. Of
 * several members with one name it gives the last, as `JSON.parse` does.
 */
export function memberText(line: string, name: string): string {
  let found = "";
  let at = afterSpace(line, afterSpace(line, 0) + 1);
  while (line[at] === '"') {
    const keyEnd = afterString(line, at);
    const key = JSON.parse(line.slice(at, keyEnd)) as string;
    const start = afterSpace(line, afterSpace(line, keyEnd) + 1);
    const end = afterValue(line, start);
    if (key === name) found = line.slice(start, end).trimEnd();
    // Over the comma to the next member, or over the end of the object.
    at = afterSpace(line, afterSpace(line, end) + 1);
  }
  return found;
}

function afterSpace(line: string, at: number): number {
  while (at < line.length && " \t\r\n".includes(line[at]!)) at++;
  return at;
}

function afterString(line: string, at: number): number {
  for (at++; line[at] !== '"'; at++) if (line[at] === "\\") at++;
  return at + 1;
}

/** The position of the comma or the bracket after a value. */
function afterValue(line: string, at: number): number {
  for (let depth = 0; at < line.length; at++) {
    const character = line[at]!;
    if (character === '"') at = afterString(line, at) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (depth === 0 && (character === "}" || character === "," || character === "]")) break;
    else if (character === "}" || character === "]") depth--;
  }
  return at;
}
