/** The lines that `tidemark plan` and `tidemark apply` print. */
import type { PlannedChange, RateBasis, RegistryPlan, WorkEstimate } from "@tidemark/core";

/** The sign before each change. */
export const ACTION_SIGNS = { added: "+", changed: "~", renamed: ">", removed: "-" } as const;

export function planLines({
  namespace,
  applied,
  changes,
  runtime,
  reusedVersions,
  metadata,
  lowered,
  waiting,
  work,
  materialized,
  kept,
}: RegistryPlan): string[] {
  const before =
    applied === null
      ? "nothing was applied yet"
      : `version ${applied.version}, applied by ${applied.by} at ${applied.at}`;
  return [
    `namespace "${namespace}": ${before}`,
    ...changes.flatMap(changeLines),
    ...metadata.flatMap(({ kind, name, details }) => [
      `~ metadata of ${kind} ${name}, which changes no answer`,
      ...details.map((detail) => `    ${detail}`),
    ]),
    ...lowered.map(
      ({ feature, sensitivity, from, reads }) =>
        `! feature ${feature} is ${sensitivity}, and reads ${reads.join(", ")}: ${from}`,
    ),
    ...reusedVersions.flatMap(reusedVersionLines),
    ...runtime.flatMap(runtimeLines),
    ...waiting.map(
      ({ feature, serving }) => `! feature ${feature}: as it was, and ${servingText(serving)}`,
    ),
    ...work.flatMap(workLines),
    ...materialized.flatMap(materializedLines),
    ...kept.flatMap(keptLines),
  ];
}

/** A transform with other code than its version was applied with. */
function reusedVersionLines({
  transform,
  version,
  applied,
}: RegistryPlan["reusedVersions"][number]): string[] {
  return [
    `! transform ${transform}: other code than version ${version}, applied by ${applied.by} at ` +
      applied.at,
    "    TRANSFORM_CHANGED: apply refuses it until its version is raised",
  ];
}

/** A time zone or letter case of this Node that is not what was applied. */
function runtimeLines({ zone, applied, here, usedBy }: RegistryPlan["runtime"][number]): string[] {
  const sources = usedBy.filter((user) => user.startsWith("source "));
  return [
    zone === null
      ? `~ letter case: of Unicode ${here}, no longer of Unicode ${applied}`
      : `~ time zone ${zone}: other rules in tzdata ${here} than in tzdata ${applied}`,
    `    answers of ${usedBy.join(", ")} may change; other processes need this Node too`,
    ...(sources.length === 0
      ? []
      : [`    stored times of ${sources.join(", ")} stay as they were read`]),
  ];
}

/** The materialized days of a view that were computed under another definition. */
function materializedLines({
  view,
  days,
  first,
  last,
  rows,
  bytes,
  isRefused,
  command,
}: RegistryPlan["materialized"][number]): string[] {
  const size = bytes === null ? "" : `, about ${sizeText(bytes)}`;
  return [
    `materialized days of ${view}: ${days} of another definition, ${first} to ${last}, ` +
      `about ${rows.toLocaleString("en")} rows${size}`,
    `    ${isRefused ? "MATERIALIZED_OF_OTHER_DEFINITION until then; " : ""}` +
      `${command} computes them again`,
  ];
}

/** A source of which the online store keeps every row. */
function keptLines({ source, features, rows, bytes }: RegistryPlan["kept"][number]): string[] {
  return [
    `online store: every row of ${source} is kept for ever, for ${features.join(", ")}`,
    bytes === null
      ? "    the bytes are not known: the history has no row yet"
      : `    about ${rows.toLocaleString("en")} changes so far, about ${sizeText(bytes)}`,
  ];
}

/** What a source needs, in at most three lines. */
function workLines({ source, rewrite, backfill }: RegistryPlan["work"][number]): string[] {
  return [
    ...(rewrite === null
      ? []
      : [`rewrite of the versions of ${source}, by apply: ${estimateText(rewrite)}`]),
    ...(backfill === null
      ? []
      : [
          `backfill of ${source}: ${estimateText(backfill)}`,
          `    refused until then: ${backfill.features.join(", ")}` +
            (backfill.services.length === 0 ? "" : ` (in service ${backfill.services.join(", ")})`),
        ]),
  ];
}

/** Where the seconds of an estimate come from. */
const SECONDS_FROM: Readonly<Record<RateBasis, string>> = {
  "last-time": "as measured last time",
  sample: "from a sample",
  typical: "not measured",
};

/** `about 120,000 changes, about 5 s (from a sample), about 34.1 MB`. */
function estimateText({ rows, seconds, secondsFrom, bytes }: WorkEstimate): string {
  const time = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  const size = bytes === null ? "" : `, about ${sizeText(bytes)}`;
  const from = SECONDS_FROM[secondsFrom];
  return `about ${rows.toLocaleString("en")} changes, about ${time} (${from})${size}`;
}

function sizeText(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function changeLines(change: PlannedChange): string[] {
  const version = change.action === "changed" ? ` becomes version ${change.version}` : "";
  const serving = change.serving === null ? "" : `: ${servingText(change.serving)}`;
  return [
    `${ACTION_SIGNS[change.action]} ${change.kind} ${change.name}${version}${serving}`,
    ...change.details.map((detail) => `    ${detail}`),
    ...change.consequences.map((consequence) => `    ${consequence}`),
    ...(change.usedBy.length === 0 ? [] : [`    used by ${change.usedBy.join(", ")}`]),
    ...(change.owners.length === 0 ? [] : [`    owned by ${change.owners.join(", ")}`]),
    ...(change.destructive === null ? [] : [`    destructive: ${change.destructive}`]),
  ];
}

function servingText({ kind, why, code }: NonNullable<PlannedChange["serving"]>): string {
  switch (kind) {
    case "now":
      return "served at once";
    case "backfill":
      return (
        `needs a backfill: the online store lacks ${why!}` +
        (code === null ? "" : `; ${code} until then`)
      );
    case "filling":
    case "empty":
      return code === null
        ? "served at once: its source has no rows in the online store yet"
        : `${code} until tidemark run was level with the log`;
    case "unknown":
      return "no online store is configured to ask";
  }
}

/** `2 added, 1 changed, 0 removed; 1 of them destructive`. */
export function countText(changes: readonly PlannedChange[]): string {
  const count = (action: PlannedChange["action"]): string =>
    `${changes.filter((change) => change.action === action).length} ${action}`;
  const destructive = changes.filter((change) => change.destructive !== null).length;
  const renamed = changes.some((change) => change.action === "renamed");
  return (
    `${count("added")}, ${count("changed")}, ${renamed ? `${count("renamed")}, ` : ""}` +
    `${count("removed")}${destructive === 0 ? "" : `; ${destructive} of them destructive`}`
  );
}
