/** The answers of the JSON API, as the server's own types say them. */
import type { ConnectorState, DefinitionsJson } from "@tidemark/server";
import type {
  AuditEntry,
  MeasuredDrift,
  MessageBytes,
  SourceStatus,
  Timeline,
} from "@tidemark/core";
import type { JsonValue } from "../parts/json-value.ts";

export type {
  AppliedVersion,
  AuditEntry,
  BytesText,
  CheckResults,
  ColumnProfile,
  DriftReport,
  ExplainedPart,
  ExplainedRow,
  Explanation,
  LoggedChange,
  MeasuredDrift,
  MessageBytes,
  Metadata,
  ProfileReference,
  ProfileReport,
  RegistryPlan,
  SharedProfiles,
  SkewReport,
  SourceReadiness,
  SourceStatus,
  StoreStorage,
} from "@tidemark/core";
export type { ConnectorState, DefinitionsJson };

type ViewJson = DefinitionsJson["views"][number];
type SourceJson = DefinitionsJson["sources"][number];
export type FeatureJson = ViewJson["features"][number];
export type ColumnJson = SourceJson["columns"][number];

/** The answer of `GET /v1/me`. */
export interface CallerJson {
  readonly caller: string | null;
  readonly scopes: readonly string[];
  /** Whether the caller sees personal values. */
  readonly personal: boolean;
  /** The store's time. */
  readonly now: string;
}

/** The answer of `GET /v1/status`. */
export interface StatusJson {
  readonly sources: readonly SourceStatus[];
}

/** The answer of `GET /v1/quarantine/{source}`. */
export interface QuarantinedJson {
  readonly rows: readonly {
    readonly key: { readonly [column: string]: JsonValue };
    readonly topic: string | null;
    readonly partition: number | null;
    readonly offset: number;
    readonly column: string | null;
    readonly reason: string;
    readonly committed: string | null;
    readonly original: MessageBytes | null;
  }[];
}

/** The answer of `POST /v1/timeline`. */
export type TimelineJson = Timeline;

/** The answer of `GET /v1/lineage`. */
export interface LineageJson {
  readonly nodes: readonly {
    readonly id: string;
    readonly kind: string;
    readonly name: string;
    /** The name under which the definitions export it. */
    readonly exported?: string;
  }[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
  readonly features: readonly {
    /** `view:feature`. */
    readonly feature: string;
    /** Its definition in TypeScript. null: it has no such form. */
    readonly code: string | null;
    /** Its windows in words, such as `7d`. */
    readonly windows: readonly string[];
  }[];
}

/** The answer of `GET /v1/training-set`. */
export interface TrainingSetsJson {
  readonly trainingSets: readonly {
    readonly id: string;
    readonly state: "running" | "done" | "failed";
    readonly rows: number | null;
    readonly done: number;
    readonly features: readonly string[];
    readonly knowledge: string;
    readonly created: string;
    readonly expires: string | null;
    readonly warnings: readonly string[];
    readonly error: { readonly code: string; readonly message: string } | null;
  }[];
}

/** The answer of `GET /v1/drift`. */
export interface DriftHistoryJson {
  readonly results: readonly MeasuredDrift[];
}

/** The answer of `GET /v1/audits`. */
export interface AuditsJson {
  readonly audits: readonly AuditEntry[];
}
