/** Resolves the services, views and features that a request names, and caches the result. */
import { TidemarkError, type Definitions, type Selection } from "@tidemark/core";
import type { ColumnSpec, SelectedFeature } from "@tidemark/core/spi";
import {
  didYouMean,
  keysNeeded,
  selectedInRole,
  selectedNamed,
  selectionFrom,
  viewSelection,
} from "@tidemark/core/internal";
import { boundedCache, CACHE_BYTES, FEATURE_BYTES } from "../features/bounded-cache.ts";
import type { FeatureResolver } from "../features/feature-resolver.ts";
import { quoted, shortened } from "../features/names.ts";
import { answerWriter, type AnswerWriter } from "./answer-json.ts";
import { rowReader, type Int64Form } from "./wire-values.ts";

/** The features of a request, and how its rows are read and its answer is written. */
export interface RequestedFeatures {
  readonly selection: Selection<
    Readonly<Record<string, unknown>>,
    Readonly<Record<string, unknown>>
  >;
  readonly selected: readonly SelectedFeature[];
  /** The number of features in the answer. */
  readonly count: number;
  /** The entity keys that each row of the request must have. */
  readonly keys: readonly ColumnSpec[];
  readonly readRow: (row: unknown) => unknown;
  writer(int64: Int64Form, metadata: boolean): AnswerWriter;
}

/**
 * Matches the name of a service or a view, or `view:feature`. The reference
 * `view:feature as other` gives the feature another name in the answer. With `by key=other` a row
 * of the request has the key under another name.
 */
const REFERENCE = /^([A-Za-z][\w-]*)(?::([A-Za-z_]\w*)(?: as ([A-Za-z_]\w*))?(?: by ([\w,=]+))?)?$/;
/** Names of keys in a role: `user_id=origin_user_id,bank=origin_bank`. */
const ROLE = /^[A-Za-z_]\w*=[A-Za-z_]\w*(?:,[A-Za-z_]\w*=[A-Za-z_]\w*)*$/;

/** Resolves names to features, with a cache. */
export interface FeatureNames {
  /**
   * Resolves a list of names. The errors suggest the nearest known name.
   *
   * @throws REQUEST_INVALID when a name has the form of no reference.
   * @throws FEATURE_UNKNOWN when a view has no such feature, or nothing has the name.
   * @throws VIEW_UNKNOWN when no view has the name before the colon.
   * @throws NAME_TAKEN when two features would have one name in the answer.
   */
  list(names: readonly string[]): RequestedFeatures;
  /**
   * Resolves the features of a service.
   *
   * @throws SERVICE_UNKNOWN when no service has the name.
   */
  service(name: string): RequestedFeatures;
  /**
   * Resolves the features of a view.
   *
   * @throws VIEW_UNKNOWN when no view has the name.
   */
  view(name: string): RequestedFeatures;
}

/** Makes a resolver of names. */
export function featureNames(definitions: Definitions, resolver: FeatureResolver): FeatureNames {
  const cache = boundedCache<RequestedFeatures>(CACHE_BYTES);

  function cached(
    key: string,
    find: () => readonly SelectedFeature[],
    service?: string,
  ): RequestedFeatures {
    let found = cache.get(key);
    if (found === undefined) {
      found = requestedFeatures(find(), service);
      cache.set(key, found, found.count * FEATURE_BYTES);
    }
    return found;
  }

  function resolveName(name: string): readonly SelectedFeature[] {
    const [, owner, member, alias, role] = REFERENCE.exec(name) ?? [];
    if (
      owner === undefined ||
      alias === "__proto__" ||
      alias === "event_timestamp" ||
      (role !== undefined && !ROLE.test(role))
    ) {
      throw new TidemarkError(
        "REQUEST_INVALID",
        `features: ${quoted(name)} is not a reference; ` +
          'write a service, a view, "view:feature" or "view:feature as other_name", and ' +
          '"by key=other_key" behind it for a key under another name',
      );
    }
    if (member === undefined) {
      const { services, views, derivedViews } = definitions;
      const service = services.get(owner);
      if (service !== undefined) return service.features;
      const view = views.get(owner) ?? derivedViews.get(owner);
      if (view === undefined)
        throw new TidemarkError(
          "FEATURE_UNKNOWN",
          "features: no service or view " +
            `is called ${quoted(owner)}${hint(owner, [
              ...services.keys(),
              ...views.keys(),
              ...derivedViews.keys(),
            ])}`,
        );
      return viewSelection(view);
    }
    const view = resolver.anyView(owner);
    const selected = selectedNamed(view, member, alias);
    if (selected === undefined)
      throw new TidemarkError(
        "FEATURE_UNKNOWN",
        `features: view "${owner}" has no feature ${quoted(member)}${hint(
          member,
          view.features.map((one) => one.name),
        )}`,
      );
    if (role === undefined) return [selected];
    const names = role.split(",").map((one) => one.split("=") as [string, string]);
    return [selectedInRole(selected, Object.fromEntries(names), `features: ${quoted(name)}`)];
  }

  return {
    list: (names) => cached(JSON.stringify(names), () => names.flatMap(resolveName)),
    service: (name) => cached(`service ${name}`, () => resolver.service(name).features, name),
    view: (name) => cached(`view ${name}`, () => viewSelection(resolver.anyView(name))),
  };
}

function requestedFeatures(
  features: readonly SelectedFeature[],
  service: string | undefined,
): RequestedFeatures {
  const selection = selectionFrom(features, "features", service);
  const keys = keysNeeded(features);
  const columns = features.map(({ feature, as }) => ({ ...feature.result, name: as }));
  const writers = new Map<string, AnswerWriter>();
  return {
    selection,
    selected: features,
    count: features.length,
    keys,
    readRow: rowReader(keys),
    writer(int64, metadata) {
      const key = `${int64} ${metadata}`;
      let writer = writers.get(key);
      if (writer === undefined) writers.set(key, (writer = answerWriter(columns, int64, metadata)));
      return writer;
    },
  };
}

/** Suggests the nearest name. The known names are listed, shortened, only if none is near. */
function hint(name: string, names: readonly string[]): string {
  const near = didYouMean(name, names);
  if (near !== "") return near;
  return names.length === 0 ? "; there is none" : `; there are ${shortened(names)}`;
}
