/** The message that the decoder reads now, with what it has read of the message so far. */
import {
  JsonMembers,
  type OriginPart,
  type PayloadReader,
  payloadReader,
  type RowDecoder,
} from "@tidemark/core/internal";
import type { LoggedRow, SourceOrigin } from "@tidemark/core/spi";
import type { KafkaMessage } from "../message/kafka-message.ts";

/** The current message. One object serves all messages of a run, so that none is made for each. */
export class CurrentMessage {
  /** The message. If its value had a known prefix, the value is without the prefix. */
  message!: KafkaMessage;
  /** The origin of the message's row; null: it is not known. */
  sourceOrigin: SourceOrigin | null = null;
  /** The members of the row that the change is of; null: the message has no row. */
  row: JsonMembers | null = null;
  /** Whether the row holds members of the `unwrap` transform. */
  isUnwrapped = false;
  /** The members of `source`. */
  readonly block: JsonMembers = new JsonMembers();
  /** The members of the row before. */
  readonly before: JsonMembers = new JsonMembers();
  /** The members of the row after. */
  readonly after: JsonMembers = new JsonMembers();
  /** Reads the payload. One scan fills its members and those of the three objects. */
  readonly payload: PayloadReader = payloadReader(
    new JsonMembers({ source: this.block, before: this.before, after: this.after }),
  );

  /** Gives the row as the log keeps it. */
  logged!: (decoder: RowDecoder) => LoggedRow;

  /** Begins the next message. */
  begin(message: KafkaMessage): void {
    this.message = message;
    this.sourceOrigin = null;
    this.row = null;
    this.isUnwrapped = false;
  }

  /** Names the message in errors. */
  readonly where = (): string => {
    const { topic, partition, offset } = this.message;
    return `${topic}, partition ${partition}, offset ${offset}`;
  };

  /** Gives a part of the row's origin; null: the message does not say it. */
  readonly originPart = (part: OriginPart): string | null =>
    part === "topic" ? this.message.topic : (this.sourceOrigin?.[part] ?? null);
}
