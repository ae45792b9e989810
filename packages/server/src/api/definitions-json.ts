/**
 * Describes the definitions as JSON: services, views, entities and sources. Each has its keys and
 * value types.
 */
import type { Definitions } from "@tidemark/core";
import type { ColumnSpec, FeatureSpec, SourceSpec, ViewSpec } from "@tidemark/core/spi";
import { durationText, keysNeeded } from "@tidemark/core/internal";
import { featureText } from "./descriptions.ts";

/** A column with its value type. */
export interface ColumnJson {
  readonly name: string;
  readonly type: ColumnSpec["type"];
  readonly nullable: boolean;
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
  readonly mode?: "number" | "micros" | undefined;
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
  readonly services: readonly {
    readonly name: string;
    readonly keys: readonly ColumnJson[];
    readonly features: readonly FeatureJson[];
  }[];
  readonly views: readonly {
    readonly name: string;
    readonly entity: string;
    readonly source: string;
    readonly kind: ViewSpec["kind"];
    readonly ttl: string | null;
    readonly keys: readonly ColumnJson[];
    readonly features: readonly FeatureJson[];
  }[];
  readonly entities: readonly { readonly name: string; readonly keys: readonly ColumnJson[] }[];
  readonly sources: readonly {
    readonly name: string;
    /** True for a push source, whose rows come from `POST /v1/push/{name}`. */
    readonly pushed: boolean;
    readonly primaryKey: readonly string[];
    readonly eventTime: string | null;
    readonly columns: readonly ColumnJson[];
  }[];
}

/** Describes the definitions. */
export function definitionsJson({
  services,
  views,
  entities,
  sources,
}: Definitions): DefinitionsJson {
  return {
    services: [...services.values()].map(({ name, features }) => ({
      name,
      keys: keysNeeded(features).map(keyJson),
      features: features.map(({ view, feature, as }) => featureJson(view, feature, as)),
    })),
    views: [...views.values()].map((view) => ({
      name: view.name,
      entity: view.entity.name,
      source: view.source.name,
      kind: view.kind,
      ttl: view.ttl === null ? null : durationText(view.ttl),
      keys: view.entity.keys.map(keyJson),
      features: view.features.map((feature) => featureJson(view, feature, feature.name)),
    })),
    entities: [...entities.values()].map(({ name, keys }) => ({ name, keys: keys.map(keyJson) })),
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
    columns: columns.map(columnJson),
  };
}

function featureJson(view: ViewSpec, feature: FeatureSpec, as: string): FeatureJson {
  return {
    ...columnJson({ ...feature.result, name: as }),
    feature: `${view.name}:${feature.name}`,
    description: featureText(view, feature),
  };
}

function keyJson(column: ColumnSpec): ColumnJson {
  return columnJson({ ...column, nullable: false });
}

function columnJson({ name, type, nullable, precision, scale, mode }: ColumnSpec): ColumnJson {
  return { name, type, nullable, precision, scale, mode };
}
