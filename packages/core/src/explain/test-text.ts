/** Writes an explanation as a test in TypeScript that anyone can run without a service. */
import { HIDDEN } from "../define/definition.ts";
import { nameOutOfRole, roleOf } from "../define/roles.ts";
import { toUser } from "../define/user-values.ts";
import { keysNeeded } from "../request/entity-keys.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import type { ColumnSpec, SourceSpec, TypeSpec, Value } from "../specs.ts";
import { formatTime } from "../time/parse-time.ts";
import { jsonOf } from "./exact-json.ts";
import type { ExplainQuestion, ViewParts } from "./explain-feature.ts";
import type { LoggedRow, LoggedVersion } from "./logged-rows.ts";

/** The names under which a module exports definitions, by the name of the definition. */
export type ExportedNames = ReadonlyMap<string, string>;

/** What the test says of the answer. */
export interface TestedAnswer {
  readonly feature: string;
  readonly asOf: string;
  readonly value: Value;
}

/**
 * Writes a test that puts the rows of an explanation into a `mockStore` and expects the answer.
 * Rows inside are all there, and of those outside the ones that are told.
 */
export function testText(
  { feature, asOf, value }: TestedAnswer,
  views: readonly ViewParts[],
  { selected, keys, knowledge, exported }: ExplainQuestion,
): string {
  const nameOf = (name: string): string => exported.get(name) ?? identifierOf(name);
  const sources = putsOf(views);
  const role = roleOf(selected);
  const needed = keysNeeded([selected]);
  const entity = membersText(
    needed.map((column) => ({ ...column, name: nameOutOfRole(column.name, role) })),
    needed.map(({ name }) => keys[name] ?? null),
  );
  // a feature in a role is asked as it was defined
  const answered = role === undefined ? selected.as : selected.feature.name;
  const view = nameOf(selected.view.name);
  const imported = [...new Set([...[...sources.keys()].map(({ name }) => nameOf(name)), view])];
  const member = selected.feature.name;
  const asked = /^[A-Za-z_$][\w$]*$/.test(member)
    ? `${view}.${member}`
    : `${view}[${JSON.stringify(member)}]`;
  const result = userText(toUser(value, selected.feature.result));
  return [
    'import assert from "node:assert/strict";',
    'import test from "node:test";',
    'import { mockStore } from "@tidemark/core/testing";',
    'import * as definitions from "./features.ts";',
    "",
    `const { ${imported.sort().join(", ")} } = definitions;`,
    "",
    `test(${JSON.stringify(`${feature} as of ${asOf}`)}, async () => {`,
    "  const store = mockStore(definitions);",
    ...[...sources].flatMap(([source, puts]) =>
      puts.map(({ kind, columns, values, at }) => {
        const list = `[${membersText(columns, values)}]`;
        return `  store.${kind}(${nameOf(source.name)}, ${list}, { at: ${JSON.stringify(at)} });`;
      }),
    ),
    `  const row = await store.ask(${asked}, ${entity}, {`,
    `    asOf: ${JSON.stringify(asOf)},`,
    `    knowledge: ${JSON.stringify(knowledge)},`,
    "  });",
    `  assert.deepEqual(row, { ${propertyName(answered)}: ${result} });`,
    "});",
    "",
  ].join("\n");
}

/** A call of the mock store. */
interface Put {
  readonly kind: "put" | "remove";
  readonly columns: readonly ColumnSpec[];
  readonly values: readonly Value[];
  readonly at: string;
}

/** The changes of each source in the order of their commits. */
function putsOf(views: readonly ViewParts[]): ReadonlyMap<SourceSpec, readonly Put[]> {
  const rows = new Map<
    string,
    { readonly row: LoggedRow; readonly only: Set<LoggedVersion> | null }
  >();
  for (const { parts } of views)
    for (const { inside, outside } of parts)
      for (const { origin, found } of [...inside, ...outside.map((one) => one.row)]) {
        const own = `${origin.row.source.name} ${origin.row.text}`;
        rows.set(own, { row: withVersionsOf(origin.row, rows.get(own)?.row), only: null });
        for (const one of found) {
          if (one === null) continue;
          const id = `${one.row.source.name} ${one.row.text}`;
          const known = rows.get(id);
          if (known === undefined) rows.set(id, { row: one.row, only: new Set([one.version]) });
          else known.only?.add(one.version);
        }
      }
  const bySource = new Map<string, { source: SourceSpec; changes: SourceChange[] }>();
  for (const { row, only } of rows.values()) {
    const { name } = row.source;
    const list = bySource.get(name) ?? { source: row.source, changes: [] };
    bySource.set(name, list);
    list.changes.push(...changesOf(row, only));
  }
  return new Map(
    Array.from(bySource.values(), ({ source, changes }) => [source, putsInOrder(source, changes)]),
  );
}

/**
 * A row with the versions that it has in another part of a union. Parts may read the entity from
 * different columns, and each then has other versions of the row.
 */
function withVersionsOf(row: LoggedRow, other: LoggedRow | undefined): LoggedRow {
  if (other === undefined || other === row) return row;
  const versions = new Map(row.versions.map((version) => [version.from, version]));
  for (const version of other.versions)
    if (!versions.has(version.from)) versions.set(version.from, version);
  return { ...row, versions: [...versions.values()].sort((a, b) => a.from - b.from) };
}

/** A change of a row. null: the row is gone. */
interface SourceChange {
  readonly row: LoggedRow;
  readonly at: number;
  readonly values: readonly Value[] | null;
}

function changesOf(row: LoggedRow, only: ReadonlySet<LoggedVersion> | null): SourceChange[] {
  return row.versions.flatMap((version, i) => {
    if (only !== null && !only.has(version)) return [];
    const { from, to, values, quarantine } = version;
    if (!Number.isFinite(from)) return [];
    const change = { row, at: from, values: quarantine === null ? values : null };
    const isEnded = to !== Infinity && row.versions[i + 1]?.from !== to;
    return isEnded ? [change, { row, at: to, values: null }] : [change];
  });
}

function putsInOrder(source: SourceSpec, changes: readonly SourceChange[]): readonly Put[] {
  const there = new Set<string>();
  const keys = primaryKeyColumns(source);
  const declared = source.columns.filter(({ name }) => !name.startsWith(HIDDEN));
  return changes
    .toSorted((a, b) => a.at - b.at)
    .flatMap(({ row, at, values }): readonly Put[] => {
      if (values === null) {
        if (!there.delete(row.text)) return [];
        return [{ kind: "remove", columns: keys, values: row.key, at: formatTime(at) }];
      }
      there.add(row.text);
      const of = declared.map((column) => values[source.columns.indexOf(column)] ?? null);
      return [{ kind: "put", columns: declared, values: of, at: formatTime(at) }];
    });
}

function membersText(columns: readonly ColumnSpec[], values: readonly Value[]): string {
  return objectText(
    columns.map((column, c) => [column.name, inputText(values[c] ?? null, column)]),
  );
}

/** A value as TypeScript that a store takes. Times are texts, which keep microseconds. */
function inputText(value: Value, spec: TypeSpec): string {
  if (value === null) return "null";
  switch (spec.type) {
    case "int64":
      return spec.mode === "number" ? String(value as bigint) : `${String(value as bigint)}n`;
    case "bytes":
      return userText(value);
    case "json":
      return value as string;
    case "list": {
      const elements = value as readonly Value[];
      return `[${elements.map((one) => inputText(one, spec.element!)).join(", ")}]`;
    }
    case "struct": {
      const members = value as readonly Value[];
      return objectText(
        spec.fields!.map((field, f) => [field.name, inputText(members[f] ?? null, field)]),
      );
    }
    default:
      return JSON.stringify(jsonOf(value, spec));
  }
}

/** A value of an answer as TypeScript. */
function userText(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return `new Date(${JSON.stringify(value.toISOString())})`;
  if (value instanceof Uint8Array) return `new Uint8Array([${value.join(", ")}])`;
  if (Array.isArray(value)) return `[${value.map(userText).join(", ")}]`;
  if (value instanceof Map) {
    const pairs = Array.from(value, ([key, one]) => `[${userText(key)}, ${userText(one)}]`);
    return `new Map([${pairs.join(", ")}])`;
  }
  if (typeof value === "object" && value !== null)
    return objectText(Object.entries(value).map(([name, one]) => [name, userText(one)]));
  return JSON.stringify(value);
}

function objectText(members: readonly (readonly [name: string, text: string])[]): string {
  return `{ ${members.map(([name, text]) => `${propertyName(name)}: ${text}`).join(", ")} }`;
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** A name that TypeScript takes: `card-payments` becomes `cardPayments`. */
function identifierOf(name: string): string {
  const joined = name.replace(/[^\w$]+(\w?)/g, (_, next: string) => next.toUpperCase());
  return /^[A-Za-z_$]/.test(joined) ? joined : `_${joined}`;
}
