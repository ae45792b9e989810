/** What `store.plan` and `store.apply` return. */
import type { AppliedBy } from "./applied-by.ts";
import type { DefinitionDifference } from "./definition-difference.ts";
import type { RewrittenVersions } from "../offline/rewrite-versions.ts";
import type { KeptRows } from "./kept-rows.ts";
import type { LoweredSensitivity, MetadataChange } from "./metadata-changes.ts";
import type { PlannedMaterialization } from "./materialized-work.ts";
import type { RuntimeDifference } from "./runtime-data.ts";
import type { ServingStatus } from "./serving.ts";
import type { SourceWork } from "./source-work.ts";
import type { ReusedVersion } from "./transform-versions.ts";

/** One change of a plan. */
export interface PlannedChange extends DefinitionDifference {
  /** How the online store serves an added, changed or renamed feature. null for other objects. */
  readonly serving: ServingStatus | null;
  /** What the change does to columns, rows and requests, in sentences. */
  readonly consequences: readonly string[];
  /** The owners of the object, and of the views and services that are made of it. */
  readonly owners: readonly string[];
}

/** The result of `store.plan`: what `apply` would change. */
export interface RegistryPlan {
  readonly namespace: string;
  /** Who applied the newest version, and when. null: nothing was applied yet. */
  readonly applied: (AppliedBy & { readonly version: number }) | null;
  readonly changes: readonly PlannedChange[];
  /** Time zones and letter case in which this runtime differs from what was applied. */
  readonly runtime: readonly RuntimeDifference[];
  /** The applied objects whose metadata changes. It changes no answer. */
  readonly metadata: readonly MetadataChange[];
  /** Features that declare a lower sensitivity than that of what they read. */
  readonly lowered: readonly LoweredSensitivity[];
  /** Transforms with other code than their version was applied with. `apply` refuses them. */
  readonly reusedVersions: readonly ReusedVersion[];
  /** Unchanged features that are not served now, such as `weekly.total`, and why. */
  readonly waiting: readonly { readonly feature: string; readonly serving: ServingStatus }[];
  /** What the sources need of the apply, and after it. A source that needs nothing is left out. */
  readonly work: readonly SourceWork[];
  /** The views with materialized days that were computed under another definition. */
  readonly materialized: readonly PlannedMaterialization[];
  /** The sources of which the online store keeps every row for ever, and for which features. */
  readonly kept: readonly KeptRows[];
}

/** The result of `store.apply`: the plan that was applied, and the new version. */
export interface ApplyResult extends RegistryPlan {
  /** The registry's version after the call. */
  readonly version: number;
  /** The command that is needed next. null: none. */
  readonly next: "tidemark backfill" | null;
  /** The sources whose versions of rows were rewritten under their new definition. */
  readonly rewritten: readonly RewrittenVersions[];
}
