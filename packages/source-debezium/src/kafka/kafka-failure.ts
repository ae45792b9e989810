/** Turns an error of kafkajs into an error with a code and the next step. */
import { TidemarkError, isTidemarkError } from "@tidemark/core";

const CODECS: readonly (readonly [string, string])[] = [
  ["Snappy", "install it beside Tidemark: npm install snappyjs"],
  [
    "LZ4",
    "register one with kafkajs: CompressionCodecs[CompressionTypes.LZ4]. Or set " +
      "compression.type=zstd on the topic, for the messages that come",
  ],
  ["ZSTD", "use a Node that has it (22.15)"],
];

/** Gives the `TidemarkError` for an error of kafkajs. A `TidemarkError` stays as it is. */
export function kafkaFailure(source: string, error: unknown): Error {
  if (isTidemarkError(error)) return error;
  const { name, message } = rootError(error);
  const codec = CODECS.find(([word]) => message.includes(`${word} compression not implemented`));
  if (codec !== undefined)
    return new TidemarkError(
      "CODEC_MISSING",
      `${source}: messages are compressed with ${codec[0]}, and no codec of ${codec[0]} is ` +
        `registered; ${codec[1]}`,
      { cause: error },
    );
  if (
    /SASL|Authorization|Authentication/i.test(`${name} ${message}`) ||
    /AUTHORIZATION_FAILED/.test(String((error as { type?: string }).type))
  ) {
    return new TidemarkError(
      "KAFKA_REFUSED",
      `${source}: ${message}; check sasl, ssl, and what the user may read: the topics, and ` +
        "the consumer group",
      { cause: error },
    );
  }
  if (/Connection|Broker|Retries|Timeout/.test(name)) {
    return new TidemarkError(
      "KAFKA_UNREACHABLE",
      `${source}: ${message}; check the brokers' addresses as this machine sees them ` +
        "(advertised.listeners), and ssl",
      { cause: error },
    );
  }
  return new TidemarkError("KAFKA_FAILED", `${source}: ${message}`, { cause: error });
}

function rootError(error: unknown): { readonly name: string; readonly message: string } {
  let at = error as Error;
  while (at.cause instanceof Error) at = at.cause;
  return at;
}
