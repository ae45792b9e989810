/** Warnings where nobody asked for them: warnings of the process. */
import type { OnWarning } from "./message-decoder.ts";

export const processWarning: OnWarning = ({ code, message }) => {
  process.emitWarning(message, { type: "TidemarkWarning", code });
};
