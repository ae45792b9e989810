/** The default of `onWarning`. */
import type { OnWarning } from "./message-decoder.ts";

/** Emits the warning as a warning of the process. */
export const processWarning: OnWarning = ({ code, message }) => {
  process.emitWarning(message, { type: "TidemarkWarning", code });
};
