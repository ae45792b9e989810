/**
 * Describes the definitions as JSON: services, views, entities and sources. Each has its keys and
 * value types.
 */
import type { Definitions, Metadata } from "@tidemark/core";
import type {
  ColumnSpec,
  SelectedFeature,
  SourceSpec,
  TypeSpec,
  ViewSpec,
} from "@tidemark/core/spi";
import {
  durationText,
  keysNeeded,
  metadataOf,
  sensitivityOf,
  viewSelection,
} from "@tidemark/core/internal";
import { featureText } from "./descriptions.ts";

/** A value type, with those of its parts. */
interface TypeJson {
  readonly type: ColumnSpec["type"];
  readonly nullable: boolean;
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
  readonly mode?: "number" | "micros" | undefined;
  /** The type of a list's elements. */
  readonly element?: TypeJson | undefined;
  /** The types of a map's keys and values. */
  readonly keys?: TypeJson | undefined;
  readonly values?: TypeJson | undefined;
  /** The fields of a struct. */
  readonly fields?: readonly ColumnJson[] | undefined;
}

/** A column with its value type. */
export interface ColumnJson extends TypeJson {
  readonly name: string;
  readonly metadata?: Metadata | undefined;
}

/** A definition with its metadata. */
interface DescribedJson {
  /** Omitted if there is none. */
  readonly metadata?: Metadata | undefined;
}

/** A feature as a column of the answer. */
export interface FeatureJson extends ColumnJson {
  /** The reference of the feature, `view:feature`. */
  readonly feature: string;
  /** The feature in words, such as `count(payments) over 7d`. */
  readonly description: string;
}

/** The answer of `GET /v1/definitions`. */
export interface DefinitionsJson {
  readonly services: readonly (DescribedJson & {
    readonly name: string;
    readonly keys: readonly ColumnJson[];
    readonly features: readonly FeatureJson[];
  })[];
  readonly views: readonly (DescribedJson & {
    readonly name: string;
    readonly entity: string;
    readonly source: string;
    /** The sources of sources that it reads, if they have metadata. */
    readonly through?:
      | readonly { readonly name: string; readonly metadata?: Metadata | undefined }[]
      | undefined;
    readonly kind: ViewSpec["kind"];
    readonly ttl: string | null;
    readonly keys: readonly ColumnJson[];
    readonly features: readonly FeatureJson[];
  })[];
  /** Views of features that are computed from features of other views. */
  readonly derivedViews: readonly (DescribedJson & {
    readonly name: string;
    /** The keys of the entities, and the request data. */
    readonly keys: readonly ColumnJson[];
    readonly features: readonly FeatureJson[];
  })[];
  readonly entities: readonly (DescribedJson & {
    readonly name: string;
    readonly keys: readonly ColumnJson[];
  })[];
  readonly sources: readonly (DescribedJson & {
    readonly name: string;
    /** True for a push source, whose rows come from `POST /v1/push/{name}`. */
    readonly pushed: boolean;
    readonly primaryKey: readonly string[];
    readonly eventTime: string | null;
    readonly columns: readonly ColumnJson[];
  })[];
}

/**
 * Describes the definitions as plain JSON: services, views, entities and sources, with keys, value
 * types and metadata. It is the answer of `GET /v1/definitions`.
 *
 * @example
 * const { views } = definitionsJson(collectDefinitions(await import("./features.ts")));
 */
export function definitionsJson({
  services,
  views,
  derivedViews,
  entities,
  sources,
}: Definitions): DefinitionsJson {
  return {
    services: [...services.values()].map((service) => ({
      name: service.name,
      keys: keysNeeded(service.features).map(keyJson),
      features: service.features.map(featureJson),
      metadata: metadataOf(service),
    })),
    views: [...views.values()].map((view) => ({
      name: view.name,
      entity: view.entity.name,
      source: view.source.name,
      kind: view.kind,
      ttl: view.ttl === null ? null : durationText(view.ttl),
      keys: view.entity.keys.map(keyJson),
      features: viewSelection(view).map(featureJson),
      through: view.through?.map((one) => ({ name: one.name, metadata: metadataOf(one) })),
      metadata: metadataOf(view),
    })),
    derivedViews: [...derivedViews.values()].map((view) => {
      const features = viewSelection(view);
      return {
        name: view.name,
        keys: keysNeeded(features).map(keyJson),
        features: features.map(featureJson),
        metadata: metadataOf(view),
      };
    }),
    entities: [...entities.values()].map((entity) => ({
      name: entity.name,
      keys: entity.keys.map(keyJson),
      metadata: metadataOf(entity),
    })),
    sources: [...sources.values()].map(sourceJson),
  };
}

function sourceJson(source: SourceSpec): DefinitionsJson["sources"][number] {
  const { name, primaryKey, eventTime, columns } = source;
  return {
    name,
    pushed: source.push === true,
    primaryKey,
    eventTime: eventTime.kind === "column" ? eventTime.column : null,
    columns: columns.map(keyJson),
    metadata: metadataOf(source),
  };
}

function featureJson(selected: SelectedFeature): FeatureJson {
  const { view, feature, as } = selected;
  const { sensitivity } = sensitivityOf(selected);
  const own = metadataOf(feature);
  return {
    ...columnJson({ ...feature.result, name: as }),
    feature: `${view.name}:${feature.name}`,
    description:
      featureText(selected) +
      (feature.renamedFrom?.includes(as) === true ? `; former name of ${feature.name}` : ""),
    metadata: sensitivity === null ? own : { ...own, sensitivity },
  };
}

function keyJson(column: ColumnSpec): ColumnJson {
  return { ...columnJson(column), metadata: metadataOf(column) };
}

function columnJson(column: TypeSpec & { readonly name: string }): ColumnJson {
  return { name: column.name, ...typeJson(column) };
}

function typeJson(spec: TypeSpec): TypeJson {
  const { type, nullable, precision, scale, mode, element, keys, values, fields } = spec;
  return {
    type,
    nullable,
    precision,
    scale,
    mode,
    element: element && typeJson(element),
    keys: keys && typeJson(keys),
    values: values && typeJson(values),
    fields: fields?.map(columnJson),
  };
}
