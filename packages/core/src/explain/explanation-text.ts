/** Prints an explanation for people. */
import type { JsonRow, JsonValue } from "./exact-json.ts";
import type {
  ExplainedPart,
  ExplainedRow,
  ExplainedVersion,
  Explanation,
} from "./explain-types.ts";

/** The most versions that are printed below a row. */
const MOST_VERSIONS = 10;

/** Prints an explanation: the answer, its steps, and each part with its rows. */
export function explanationText(explanation: Omit<Explanation, "toString" | "toTest">): string {
  const { feature, value, status, asOf, knowledge, from, other, entity } = explanation;
  const { isReproduced, steps, parts } = explanation;
  const where = from === "online" ? "from the online store" : wordsOf(knowledge);
  return [
    `${feature} of ${rowText(entity)}, as of ${asOf}, ${where}: ${valueText(value)} (${status})`,
    ...(other === null
      ? []
      : [
          `${wordsOf(other.knowledge)} it is ${valueText(other.value)} (${other.status}); ` +
            `knowledge ${other.knowledge} lists the rows of that`,
        ]),
    isReproduced
      ? "the rows below give this answer again, bit for bit"
      : "the rows below do not give this answer again: report it with this explanation",
    ...parts.flatMap(partLines),
    ...steps.map(
      ({ name, expression, value: result, status: of }) =>
        `${name} = ${expression} = ${valueText(result)} (${of})`,
    ),
  ].join("\n");
}

function wordsOf(knowledge: Explanation["knowledge"]): string {
  return knowledge === "as-known" ? "as known then" : "as corrected since";
}

function partLines(part: ExplainedPart): readonly string[] {
  const { name, of, value, source, keys, filter, start, end, edges } = part;
  const isFact = of.startsWith("latest(");
  const window = isFact
    ? `the newest row ${start === null ? "" : `from ${start} `}up to ${end}`
    : `${start ?? "the beginning"} up to ${end}, which is outside`;
  return [
    `${name} = ${of} = ${valueText(value)}`,
    `  rows of ${source} with ${rowText(keys)}, ${window}` +
      (filter === null ? "" : `, where ${filter}`),
    ...(edges === null ? [] : [`  the windows of the series begin at ${edges.join(", ")}`]),
    `  ${countText(part.insideCount, part.inside.length)} inside`,
    ...part.inside.flatMap(insideLines),
    `  ${countText(part.outsideCount, part.outside.length)} outside`,
    ...part.outside.flatMap(outsideLines),
  ];
}

function countText(all: number, listed: number): string {
  const rows = `${all} ${all === 1 ? "row" : "rows"}`;
  return all === listed ? rows : `${rows}, of which the newest ${listed} are listed,`;
}

function insideLines(row: ExplainedRow): readonly string[] {
  const brings = rowText(row.brings);
  const without = row.without === undefined ? "" : `; without it ${valueText(row.without)}`;
  return [
    `    + ${placeText(row)}: ${brings === "" ? "counts" : brings}${without}`,
    ...versionLines(row),
  ];
}

function outsideLines(row: ExplainedRow): readonly string[] {
  return [
    `    - ${placeText(row)}: ${row.because!} (${row.reason!})`,
    `        ${rowText(row.row)}`,
    ...versionLines(row),
  ];
}

function placeText({ source, key, time }: ExplainedRow): string {
  return `${time ?? "no time"} ${source} ${rowText(key)}`;
}

function versionLines({ versions, lookups }: ExplainedRow): readonly string[] {
  const isOne = versions.length === 1;
  return [
    ...(versions.length > MOST_VERSIONS
      ? [`        ${versions.length} versions, of which the newest ${MOST_VERSIONS} are listed`]
      : []),
    ...versions.slice(-MOST_VERSIONS).map((version) => `        ${versionText(version, isOne)}`),
    ...lookups.map(
      ({ source, key, version }) =>
        `        found ${source} ${rowText(key)}: ${versionText(version, false)}`,
    ),
  ];
}

/** A version on one line. The columns of an only version are those of the row above. */
function versionText(version: ExplainedVersion, isOnly: boolean): string {
  const { knownFrom, knownTo, change, row, quarantine, isSeen } = version;
  const until = knownTo === null ? "" : ` to ${knownTo}`;
  const known = `known from ${knownFrom ?? "the beginning"}${until}`;
  const what = {
    row: isOnly || row === null ? "" : `: ${rowText(row)}`,
    deleted: ": deleted",
    elsewhere: `: no longer here${row === null ? "" : `, ${rowText(row)}`}`,
  }[change];
  const fault = quarantine === null ? "" : `, quarantined: ${quarantine}`;
  return `${isSeen && !isOnly ? "* " : ""}${known}${what}${fault} (${originText(version)})`;
}

function originText({ topic, partition, offset, order, transaction }: ExplainedVersion): string {
  return [
    ...(topic === null ? [] : [`${topic} ${partition}:${offset}`]),
    ...(topic === null && offset !== null ? [`offset ${offset}`] : []),
    `order ${order}`,
    ...(transaction === null ? [] : [`transaction ${transaction}`]),
  ].join(", ");
}

/** Values by column: `id 7, amount 12.5`. */
function rowText(row: JsonRow): string {
  return Object.entries(row)
    .map(([name, value]) => `${name} ${valueText(value)}`)
    .join(", ");
}

function valueText(value: JsonValue): string {
  return JSON.stringify(value);
}
