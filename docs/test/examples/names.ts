/** The names that examples in comments use without a declaration. */
import type { ServerResponse } from "node:http";
import type { Client } from "@tidemark/client";
import type { Store } from "@tidemark/core";
import type { MockStore } from "@tidemark/core/testing";
import type { ChangeSource, ComputeEngine, SourceSpec } from "@tidemark/core/spi";
import type { ObjectStore } from "@tidemark/delta";
import type { FeatureServer } from "@tidemark/server";
import type { KafkaMessage } from "@tidemark/source-debezium";
import * as definitions from "./features.ts";

export { definitions };
export { customers, fraud, logins, profile, transactions, user, weekly } from "./features.ts";

export declare const store: Store;
export declare const bank: MockStore;
export declare const asOf: string;
export declare const client: Client<typeof definitions>;
export declare const server: FeatureServer;
export declare const other: FeatureServer;
export declare const entities: { user_id: string }[];
export declare const labels: { user_id: string; event_timestamp: string; fraud: boolean }[];
export declare const row: { amount_l1w: number };
export declare const brokers: string[];
export declare const topics: string[];
export declare const url: string;
export declare const password: string;
export declare const signal: AbortSignal;
export declare const response: ServerResponse;
export declare const message: KafkaMessage;
export declare const sources: SourceSpec[];
export declare const payments: SourceSpec;
export declare function test(name: string, run: () => Promise<void>): void;
export declare function mySource(file: string): ChangeSource;
export declare function myEngine(): ComputeEngine;
export declare function myObjects(bucket: string): ObjectStore;
export declare function temporary(): string;
