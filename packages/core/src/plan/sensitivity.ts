/** Which sensitivity features have: their own, or the strictest of what they read. */
import { isDerived } from "../define/base-features.ts";
import { columnsOfExpression } from "../expr/tree.ts";
import { metadataOf, strictest, type Sensitivity } from "../metadata.ts";
import type { FeatureSpec, SelectedFeature, SourceSpec, UnionPart, ViewSpec } from "../specs.ts";
import { columnsOf, columnsOfRows, lookupsBehind, storedColumnsOf } from "./columns-read.ts";

/** What a feature reads, with its sensitivity. */
interface ReadValue {
  /** The column, the feature or the request data. */
  readonly name: string;
  readonly sensitivity: Sensitivity | null;
}

/** The sensitivity of a feature. */
export interface FeatureSensitivity {
  /** null: neither the feature nor what it reads says one. */
  readonly sensitivity: Sensitivity | null;
  /** Set if the feature declares less than it reads. */
  readonly lowered: {
    readonly from: Sensitivity;
    /** What it reads of that sensitivity. */
    readonly reads: readonly string[];
  } | null;
}

/** Finds the sensitivity of a feature. A view declares it for features that declare none. */
export function sensitivityOf(one: SelectedFeature): FeatureSensitivity {
  const read = isDerived(one) ? readByDerived(one.feature) : readByFeature(one.view, one.feature);
  const inherited = strictest(read.map(({ sensitivity }) => sensitivity));
  const own = metadataOf(one.feature)?.sensitivity ?? metadataOf(one.view)?.sensitivity ?? null;
  if (own === null) return { sensitivity: inherited, lowered: null };
  const isLower = inherited !== null && strictest([own, inherited]) !== own;
  return {
    sensitivity: own,
    lowered: isLower
      ? {
          from: inherited,
          reads: [
            ...new Set(
              read.filter(({ sensitivity }) => sensitivity === inherited).map(({ name }) => name),
            ),
          ],
        }
      : null,
  };
}

/** The sensitivity of a column of a view: of a table, of a union, or one that is looked up. */
export function columnSensitivity(view: ViewSpec, name: string): Sensitivity | null {
  const read = [
    ...readColumns(view.source, [name], view.parts),
    ...(view.lookups ?? []).flatMap(({ dimension, columns }) =>
      columns
        .filter((column) => column.name === name)
        .flatMap(({ value }) => readColumns(dimension, columnsOfExpression(value))),
    ),
  ];
  return strictest(read.map(({ sensitivity }) => sensitivity));
}

function readByDerived({
  inputs,
  request,
}: Extract<SelectedFeature["feature"], { inputs: unknown }>): readonly ReadValue[] {
  return [
    ...inputs.map(({ view, feature }) => ({
      name: `${view.name}.${feature.name}`,
      sensitivity: sensitivityOf({ view, feature, as: feature.name }).sensitivity,
    })),
    ...request.map((column) => ({
      name: column.name,
      sensitivity: metadataOf(column)?.sensitivity ?? null,
    })),
  ];
}

/**
 * The sources of sources and the columns behind a feature: its own, those of conditions, and those
 * that are looked up.
 */
function readByFeature(view: ViewSpec, feature: FeatureSpec): readonly ReadValue[] {
  const names = [...columnsOfRows(view), ...columnsOf(feature)];
  return [
    ...(view.through ?? []).map((source) => ({
      name: source.name,
      sensitivity: metadataOf(source)?.sensitivity ?? null,
    })),
    ...readColumns(view.source, storedColumnsOf(view, names), view.parts),
    ...lookupsBehind(view, names).flatMap(({ dimension, rows, columns }) =>
      readColumns(dimension, [
        ...(rows === undefined ? [] : columnsOfExpression(rows)),
        ...columns.flatMap(({ value }) => columnsOfExpression(value)),
      ]),
    ),
  ];
}

/**
 * A source declares the sensitivity of columns that declare none. A column of a union that has none
 * reads those of its parts.
 */
function readColumns(
  source: SourceSpec,
  names: readonly string[],
  parts: readonly UnionPart[] = [],
): readonly ReadValue[] {
  return names.flatMap((name) => {
    const column = source.columns.find((one) => one.name === name);
    if (column === undefined) return [];
    const sensitivity = metadataOf(column)?.sensitivity ?? metadataOf(source)?.sensitivity ?? null;
    if (sensitivity !== null || parts.length === 0)
      return [{ name: `${source.name}.${name}`, sensitivity }];
    return parts.flatMap((part) =>
      readColumns(
        part.source,
        [part.columns[name], part.rows].flatMap((one) =>
          one === undefined ? [] : columnsOfExpression(one),
        ),
      ),
    );
  });
}
