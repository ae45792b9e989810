/** Takes the broker's time where a message has no commit time. */
import { type RowDecoder, UNWRAP_TRANSFORM } from "@tidemark/core/internal";
import type { DecoderRun } from "./decoder-run.ts";
import type { ChangeOrigin } from "./origin.ts";

/** Gives the origin with a commit time, and warns if the message has none. */
export function withCommitTime(
  run: DecoderRun,
  decoder: RowDecoder,
  origin: ChangeOrigin,
): ChangeOrigin {
  if (origin.committed !== null) return origin;
  const { current, warn } = run;
  const { refusedTime } = origin;
  const broker = hasBrokerTime(run);
  warn(
    broker ? "COMMIT_TIME_FROM_BROKER" : "COMMIT_TIME_UNKNOWN",
    decoder.source,
    (refusedTime === undefined
      ? "messages carry no commit time"
      : `${current.where()}: ${refusedTime} is no commit time`) +
      (broker
        ? ", so the broker's time is used instead"
        : " and no broker's time, so their rows count as known from 1970 on") +
      (refusedTime === undefined
        ? `; add source.ts_us to ${UNWRAP_TRANSFORM}.add.fields`
        : "; a later version of the connector may send it"),
  );
  return withBrokerTime(run, origin);
}

/**
 * Gives the origin with the broker's time for a missing commit time. The broker's time is never
 * earlier (law 6: a version is seen only after its commit).
 */
export function withBrokerTime(run: DecoderRun, origin: ChangeOrigin): ChangeOrigin {
  return origin.committed === null && hasBrokerTime(run)
    ? { ...origin, committed: run.current.message.timestamp! * 1000 + 999 }
    : origin;
}

function hasBrokerTime({ current: { message } }: DecoderRun): boolean {
  return message.timestamp !== null && message.timestamp >= 0;
}
