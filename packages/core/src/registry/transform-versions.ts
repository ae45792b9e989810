/** Finds transforms whose version was applied with other code. */
import { TidemarkError } from "../errors.ts";
import type { AppliedBy } from "./applied-by.ts";
import type { DefinedObject } from "./normalized-definitions.ts";
import type { RegistrySnapshot } from "./snapshot.ts";

/** A transform whose code is not what was applied as its version. */
export interface ReusedVersion {
  readonly transform: string;
  readonly version: number;
  /** Who applied the version with its code, and when. */
  readonly applied: AppliedBy;
}

/** Lists the transforms whose version stands for other code, now or in the past. */
export function reusedVersions(
  before: RegistrySnapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
): readonly ReusedVersion[] {
  return [...now].flatMap(([key, { name, normalized, code }]): ReusedVersion[] => {
    const known = before?.objects.get(key);
    if (code === undefined || known === undefined) return [];
    const version = normalized["version"] as number;
    const other = [known, ...known.earlier].find(
      (one) => one.code !== undefined && one.code !== code && one.normalized["version"] === version,
    );
    return other === undefined ? [] : [{ transform: name, version, applied: other.applied }];
  });
}

/**
 * Refuses transforms whose version stands for other code. `who` names the registry.
 *
 * @throws TRANSFORM_CHANGED when there is one.
 */
export function refuseReusedVersions(who: string, reused: readonly ReusedVersion[]): void {
  if (reused.length === 0) return;
  const texts = reused.map(
    ({ transform, version, applied: { by, at } }) =>
      `transform "${transform}" has other code than its version ${version}, which ${by} applied ` +
      `at ${at}`,
  );
  throw new TidemarkError(
    "TRANSFORM_CHANGED",
    `${who}: ${texts.join("; ")}: raise its version, or put back the code; one version has the ` +
      "answers of one code, online and in training sets",
  );
}
