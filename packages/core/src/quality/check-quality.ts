/** Checks expectations over the history, as of a time. */
import { valueAt } from "../columns/batch.ts";
import { keyText } from "../columns/key-bytes.ts";
import { toUser } from "../define/user-values.ts";
import { didYouMean } from "../did-you-mean.ts";
import { TidemarkError } from "../errors.ts";
import { MASKED, nothingMasked, personalKeys, type Masking } from "../explain/masking.ts";
import { bindExpression } from "../expr/bind.ts";
import type { Reader } from "../expr/scalar-function.ts";
import { columnsOfExpression, typeSpecOf } from "../expr/tree.ts";
import type { OfflineReader } from "../offline/offline-reader.ts";
import { keyColumns, type KeyValues } from "../request/entity-keys.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import type {
  DerivedFeatureSpec,
  Expression,
  QualitySpec,
  QualityTarget,
  SelectedDerivedFeature,
  SourceSpec,
  Value,
} from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { expectedText, expressionsOf, measureOf, reachOf, type Measure } from "./measures.ts";
import type { ExpectationResult, QualityReport } from "./quality-types.ts";
import { rowsAt } from "./rows-at.ts";

/** What a check reads. */
export interface QualityContext {
  readonly qualities: ReadonlyMap<string, QualitySpec>;
  /** Their own expectations are checked too. */
  readonly sources: ReadonlyMap<string, SourceSpec>;
  readonly offline: OfflineStore;
  readonly reader: OfflineReader;
}

/** The number of entities whose features are computed at once. */
const ENTITIES = 5000;

/**
 * Checks the expectations of these qualities at the time `t`, µs.
 *
 * @throws QUALITY_UNKNOWN when there is no such quality.
 */
export async function checkQuality(
  { qualities: declared, sources, offline, reader }: QualityContext,
  {
    names,
    t,
    masking = nothingMasked,
    signal,
  }: {
    readonly names: readonly string[] | undefined;
    readonly t: number;
    readonly masking?: Masking | undefined;
    readonly signal: AbortSignal | undefined;
  },
): Promise<QualityReport> {
  const results: ExpectationResult[] = [];
  const qualities = new Map([...declared, ...sourceQualities(sources)]);
  for (const name of names ?? qualities.keys()) {
    const spec = qualities.get(name);
    if (spec === undefined)
      throw new TidemarkError(
        "QUALITY_UNKNOWN",
        `no quality is called "${name}"${didYouMean(name, qualities.keys())}; there ` +
          `${qualities.size === 1 ? "is" : "are"} ${[...qualities.keys()].join(", ") || "none"}`,
      );
    const { on, expectations } = spec;
    const measures = expectations.map((one) => measureOf(one, t));
    if (on.kind === "source")
      await measureRows(on, spec, measures, {
        offline,
        t,
        masking,
        // a source is checked over the rows that its expectations quarantine too
        withViolations: !declared.has(name),
        signal,
      });
    else await measureEntities(on, spec, measures, { offline, reader, t, masking, signal });
    const ofSource = declared.has(name) ? undefined : sources.get(name)?.expectations;
    expectations.forEach((one, i) => {
      const onViolation = ofSource?.[i]!.onViolation ?? null;
      results.push({
        quality: spec.name,
        expectation: one.name,
        on: on.kind === "source" ? `source ${on.name}` : on.name,
        severity: onViolation === "stop" ? "error" : spec.severity,
        onViolation,
        kind: one.kind,
        expected: expectedText(one, on.kind === "source" ? "row" : "entity"),
        ...measures[i]!.result(),
      });
    });
  }
  const failed = { error: 0, warning: 0 };
  for (const { holds, severity } of results) if (!holds) failed[severity]++;
  return { asOf: formatTime(t), failed, results };
}

/** What sources expect of their rows, as qualities of the sources' names. */
function sourceQualities(
  sources: ReadonlyMap<string, SourceSpec>,
): readonly (readonly [string, QualitySpec])[] {
  return [...sources.values()].flatMap((source) => {
    const { name, expectations } = source;
    if (expectations === undefined) return [];
    const quality: QualitySpec = {
      name,
      on: { kind: "source", name, source },
      severity: "warning",
      expectations: expectations.map((one) => ({
        name: one.name,
        kind: "holds",
        condition: one.condition,
        share: 1,
      })),
    };
    return [[name, quality] as const];
  });
}

interface CheckTime {
  readonly offline: OfflineStore;
  readonly t: number;
  readonly masking: Masking;
  readonly signal: AbortSignal | undefined;
}

async function measureRows(
  from: Extract<QualityTarget, { kind: "source" }>,
  { expectations }: QualitySpec,
  measures: readonly Measure[],
  { offline, t, masking, withViolations, signal }: CheckTime & { readonly withViolations: boolean },
): Promise<void> {
  const expressions = [...new Set(expectations.flatMap(expressionsOf))];
  const keys = primaryKeyColumns(from.source);
  const masked = new Set(keys.filter((column) => masking.column(from.source, column)));
  const columns = [...expressions.flatMap(columnsOfExpression), ...keys.map(({ name }) => name)];
  const reach = Math.max(...expectations.map(reachOf));
  const query = { from, columns, t, reach, withViolations, signal };
  for await (const { batch, rows, time } of rowsAt(offline, query)) {
    const readers = new Map(
      expressions.map((one): [Expression, Reader] => [
        one,
        bindExpression(one, batch, { count: 0 }),
      ]),
    );
    for (const row of rows) {
      const measured = {
        valueOf: (expression: Expression) => readers.get(expression)!(row),
        time: time[row]!,
        key: () =>
          Object.fromEntries(
            keys.map((column) => {
              const index = batch.columns.findIndex(({ name }) => name === column.name);
              const value = valueAt(batch.vectors[index]!, row);
              return [column.name, masked.has(column) ? MASKED : toUser(value, column)];
            }),
          ),
      };
      for (const measure of measures) measure.add(measured);
    }
  }
}

/** Computes the features of every entity that has a row in a source of theirs at `t`. */
async function measureEntities(
  { inputs, transforms }: Extract<QualityTarget, { kind: "features" }>,
  { expectations }: QualitySpec,
  measures: readonly Measure[],
  { reader, ...at }: CheckTime & { readonly reader: OfflineReader },
): Promise<void> {
  const { t, masking, signal } = at;
  const expressions = [...new Set(expectations.flatMap(expressionsOf))];
  const view = {
    name: "quality",
    kind: "derived" as const,
    features: expressions.map((value, i): DerivedFeatureSpec => ({
      name: `expression_${i}`,
      value,
      inputs,
      request: [],
      transforms,
      size: 1,
      default: undefined,
      result: { ...typeSpecOf(value), name: `expression_${i}`, database: `expression_${i}` },
    })),
  };
  const selection = view.features.map((feature): SelectedDerivedFeature => ({
    view,
    feature,
    as: feature.name,
  }));
  const { entity } = inputs[0]!.view;
  const masked =
    masking === nothingMasked
      ? new Set<string>()
      : personalKeys(
          entity,
          inputs.map(({ view: one }) => one),
        );
  const entities = await entitiesOf(inputs, at);
  for (let from = 0; from < entities.length; from += ENTITIES) {
    const keys = entities.slice(from, from + ENTITIES);
    const answers = await reader.read({
      selection,
      keys: keyColumns(entity.keys, keys),
      times: new Float64Array(keys.length).fill(t),
      knowledge: "as-known",
      since: null,
      signal,
    });
    for (let row = 0; row < keys.length; row++) {
      const measured = {
        valueOf: (expression: Expression): Value =>
          valueAt(answers[expressions.indexOf(expression)]!.values, row),
        time: t,
        key: () =>
          Object.fromEntries(
            entity.keys.map((column) => [
              column.name,
              masked.has(column.name) ? MASKED : toUser(keys[row]![column.name]!, column),
            ]),
          ),
      };
      for (const measure of measures) measure.add(measured);
    }
  }
}

/** The entities with a row at `t`, each once. */
async function entitiesOf(
  inputs: Extract<QualityTarget, { kind: "features" }>["inputs"],
  { offline, t, signal }: CheckTime,
): Promise<readonly KeyValues[]> {
  const found = new Map<string, KeyValues>();
  for (const view of new Set(inputs.map(({ view: one }) => one))) {
    const { keyColumns, entity } = view;
    const query = { from: view, columns: keyColumns, t, reach: Infinity, signal };
    for await (const { batch, rows } of rowsAt(offline, query)) {
      const vectors = keyColumns.map(
        (column) => batch.vectors[batch.columns.findIndex(({ name }) => name === column)]!,
      );
      for (const row of rows) {
        const values = vectors.map((vector) => valueAt(vector, row));
        if (values.includes(null)) continue;
        const text = keyText(entity.keys, values);
        if (found.has(text)) continue;
        found.set(text, Object.fromEntries(entity.keys.map(({ name }, i) => [name, values[i]!])));
      }
    }
  }
  return [...found.values()];
}
