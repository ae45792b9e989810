/** Windows in words, for messages. */
import { durationText } from "./duration.ts";
import type { WindowSpec } from "../specs.ts";

/** A window as a definition writes it: `7d`. */
export function textOfWindow(window: WindowSpec): string {
  if (typeof window === "number") return durationText(window);
  switch (window.kind) {
    case "delayed":
      return `${durationText(window.length)}, delayed by ${durationText(window.delay)}`;
    case "lifetime":
      return "all time";
    case "lastRows": {
      const rows = window.count === 1 ? "the newest row" : `the newest ${window.count} rows`;
      return window.within === null ? rows : `${rows} within ${durationText(window.within)}`;
    }
    case "series":
      return `each of ${window.count} windows of ${durationText(window.length)}`;
    case "calendarSeries":
      return `each of the previous ${window.count} ${window.unit}s in ${window.zone}`;
    case "current":
      return `the current ${window.unit} in ${window.zone}`;
    case "previous":
      return window.count === 1
        ? `the previous ${window.unit} in ${window.zone}`
        : `the previous ${window.count} ${window.unit}s in ${window.zone}`;
  }
}
