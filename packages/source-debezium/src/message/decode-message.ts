/** Decodes messages for a change source, and counts those that give no change. */
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type {
  Change,
  KeptMessage,
  Position,
  SkippedMessages,
  SourceSpec,
} from "@tidemark/core/spi";
import { type KafkaMessage, kafkaMessage, partitionName } from "./kafka-message.ts";
import type { MessageDecoder, RunningDecoder, SkippedMessage } from "./message-decoder.ts";

/** The message of no declared source. A decoder may give a better reason. */
const NOT_DECLARED: SkippedMessage = {
  skipped: "NOT_DECLARED",
  message:
    "no declared source reads this message; declare its table, or leave its topic out of the " +
    "topics that are read",
};

/**
 * Decodes one message. An undecodable change holds the message's bytes.
 *
 * @throws DECODER_FAILED when the decoder throws another error than a `TidemarkError`.
 */
export function decodeMessage(
  decoder: RunningDecoder,
  message: KafkaMessage,
): Change | SkippedMessage {
  let decoded: ReturnType<RunningDecoder["decode"]>;
  try {
    decoded = decoder.decode(message);
  } catch (cause) {
    throw isTidemarkError(cause) ? cause : decoderFailed(message, cause);
  }
  decoded ??= NOT_DECLARED;
  if ("skipped" in decoded || decoded.undecodable === null || decoded.original !== undefined)
    return decoded;
  const { key, value, headers } = message;
  return { ...decoded, original: { key, value, headers } };
}

function decoderFailed({ topic, partition, offset }: KafkaMessage, cause: unknown): TidemarkError {
  return new TidemarkError(
    "DECODER_FAILED",
    `${topic}, partition ${partition}, offset ${offset}: the decoder failed: ` +
      `${cause instanceof Error ? cause.message : String(cause)}. Nothing of this message was ` +
      "taken: correct the decoder and run again, or let it return a change with undecodable",
    { cause },
  );
}

/** Counts skipped messages by partition and reason. */
export class SkippedCounts {
  private counts = new Map<string, SkippedMessages>();

  add(
    { topic, partition, offset }: KafkaMessage,
    { skipped, message, near }: SkippedMessage,
  ): void {
    const key = `${skipped}\0${topic}:${partition}`;
    const known = this.counts.get(key);
    this.counts.set(
      key,
      known === undefined
        ? {
            topic,
            reason: skipped,
            count: 1,
            first: { partition, offset, message },
            last: offset,
            ...(near === undefined ? {} : { near }),
          }
        : { ...known, count: known.count + 1, last: offset },
    );
  }

  /** Gives the counts since the last call; undefined: there are none. */
  take(): readonly SkippedMessages[] | undefined {
    if (this.counts.size === 0) return undefined;
    const taken = [...this.counts.values()];
    this.counts = new Map();
    return taken;
  }
}

/**
 * Adds to a position what the decoder keeps of its partition. A decoder that keeps nothing leaves
 * the position as it is.
 */
export function withDecoderState(decoder: RunningDecoder, position: Position): Position {
  const state = decoder.state?.(position.partition);
  if (state === undefined) return position;
  return { ...position, checkpoint: { ...position.checkpoint, decoder: state } };
}

/** Lets the decoder go on after these positions. */
export function resumeAfter(decoder: RunningDecoder, positions: readonly Position[]): void {
  for (const { partition, checkpoint } of positions)
    decoder.resume?.(partition, checkpoint?.decoder);
}

/**
 * Decodes kept messages with a new decoder, each with what its change knew. The result has one item
 * for each message.
 */
export function decodeKept(
  decoder: MessageDecoder,
  messages: readonly KeptMessage[],
  sources: readonly SourceSpec[],
): readonly (Change | SkippedMessages)[] {
  const running = decoder.start({ sources, onWarning: () => undefined });
  return messages.map((kept) => {
    const message = kafkaMessage(kept);
    running.resume?.(partitionName(message), kept.decoder);
    const decoded = decodeMessage(running, message);
    if (!("skipped" in decoded)) return decoded;
    const counts = new SkippedCounts();
    counts.add(message, decoded);
    return counts.take()![0]!;
  });
}
