/** A mutation of a valid message, and what it is made of. Types only. */
import type { SourceSpec } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import type { InputFate } from "../oracle/input-fates.ts";
import type { MessageShape } from "./cells.ts";
import type { Random } from "./random.ts";

/** A message as Kafka holds it. */
export interface InputMessage {
  readonly topic: string;
  readonly key: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

/** A valid message, and what is known of it. */
export interface ValidInput {
  readonly message: InputMessage & { readonly key: string | null; readonly value: string };
  /** The change that the message holds. It is no tombstone. */
  readonly change: Change;
  readonly source: SourceSpec;
  readonly shape: MessageShape;
  /** The broker's time, in ms. */
  readonly timestamp: number;
  /** Whether the table has one partition, so that offsets order its changes. */
  readonly onePartition: boolean;
  readonly random: Random;
}

/** A mutated message, and its fate. */
export interface MutatedInput {
  readonly message: InputMessage;
  readonly fate: InputFate;
}

/** The part of a message that a mutation changes. */
export type MutationKind = "format" | "key" | "envelope" | "schema" | "unit" | "encoding" | "bytes";

/** One way to change a message. It gives null for messages that it cannot change. */
export interface InputMutation {
  readonly kind: MutationKind;
  readonly name: string;
  mutate(input: ValidInput): MutatedInput | null;
}
