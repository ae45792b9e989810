import { durationMicros } from "../define/duration.ts";
import type { Retention } from "../online/retention.ts";
import type { Duration } from "../define/duration.ts";

/** A length of time, or for ever. */
export type Keep = Duration | "forever";

export function retentionOf(options: {
  readonly retain?: Keep | undefined;
  readonly logRetention?: Keep | undefined;
}): Retention {
  const length = (keep: Keep, who: string): number =>
    keep === "forever" ? Infinity : durationMicros(who, keep);
  return {
    retain: length(options.retain ?? "1d", "retain"),
    logRetention: length(options.logRetention ?? "7d", "logRetention"),
  };
}
