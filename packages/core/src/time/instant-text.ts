/** Writes instants of any year as text: for values that ride along and that no feature uses. */
import { scanInstant, secondsText } from "./parse-time.ts";
import { zoneOf } from "./zone.ts";

/**
 * Reads a text as `parseTime` does and writes the same instant in UTC with six digits.
 * It takes the years 0001–9999, so it also takes instants that no feature can use.
 * The result is null if the text is no time.
 *
 * @throws TIME_ZONE_UNKNOWN when the text has no zone and `zone` is no IANA name.
 *
 * @example
 * instantText("9999-12-31 00:00", "Asia/Tokyo"); // "9999-12-30T15:00:00.000000Z"
 */
export function instantText(text: string, zone: string | null): string | null {
  const instant = scanInstant(text, zone);
  return instant === null ? null : secondsText(instant.seconds, instant.micros);
}

/**
 * Reads an instant and writes what the clocks of the zone show then, without a zone.
 * The result is null if the text is no instant.
 * It is also null if the clocks show that time twice and this instant is the second.
 *
 * @throws TIME_ZONE_UNKNOWN when `zone` is no IANA name.
 *
 * @example
 * localClockText("2025-06-08T12:00:00Z", "Europe/Berlin"); // "2025-06-08T14:00:00.000000"
 */
export function localClockText(text: string, zone: string): string | null {
  const instant = scanInstant(text, null);
  if (instant === null) return null;
  const local = zone === "UTC" ? instant.seconds : zoneOf(zone).toLocal(instant.seconds);
  return local === null ? null : secondsText(local, instant.micros).slice(0, -1);
}
