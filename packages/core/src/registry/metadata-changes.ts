/** What `plan` says of metadata: what changes, and which features declare less than they read. */
import type { Definitions } from "../define/collect-definitions.ts";
import { viewSelection } from "../define/former-names.ts";
import type { Sensitivity } from "../metadata.ts";
import { sensitivityOf } from "../plan/sensitivity.ts";
import { changedPaths, detailText } from "./differences.ts";
import type { DefinedObject, ObjectKind } from "./normalized-definitions.ts";
import type { RegistrySnapshot } from "./snapshot.ts";

/** An object whose metadata changes. */
export interface MetadataChange {
  readonly kind: ObjectKind;
  readonly name: string;
  /** The changes, such as `owner: growth → fraud`. */
  readonly details: readonly string[];
}

/** A feature that declares a lower sensitivity than that of what it reads. */
export interface LoweredSensitivity {
  /** Such as `weekly.total`. */
  readonly feature: string;
  readonly sensitivity: Sensitivity;
  readonly from: Sensitivity;
  /** What it reads of the sensitivity `from`. */
  readonly reads: readonly string[];
}

/** Lists the applied objects that have other metadata now. */
export function metadataChanges(
  before: RegistrySnapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
): readonly MetadataChange[] {
  return [...now].flatMap(([key, { kind, name, metadata }]): MetadataChange[] => {
    const known = before?.objects.get(key);
    if (known === undefined || known.removed !== null) return [];
    const details = changedPaths(known.metadata ?? {}, metadata ?? {}).map(detailText);
    return details.length === 0 ? [] : [{ kind, name, details }];
  });
}

/** Lists the features that declare less than they read. */
export function loweredSensitivities({
  views,
  derivedViews,
}: Definitions): readonly LoweredSensitivity[] {
  const features = [...views.values(), ...derivedViews.values()].flatMap((view) =>
    viewSelection(view).filter(({ as, feature }) => as === feature.name),
  );
  return features.flatMap((one): LoweredSensitivity[] => {
    const { sensitivity, lowered } = sensitivityOf(one);
    const feature = `${one.view.name}.${one.feature.name}`;
    return lowered === null ? [] : [{ feature, sensitivity: sensitivity!, ...lowered }];
  });
}
