/** Warns about sources, once for each code, source and subject. */
import type { SourceSpec } from "@tidemark/core/spi";
import type { OnWarning } from "../message/message-decoder.ts";

/** Warns about a source. `place` names the message, and is called only if the warning is new. */
export type WarnOfSource = (
  code: string,
  source: SourceSpec,
  message: string,
  subject?: string,
  place?: () => string,
) => void;

/** Makes the warnings of one run. */
export function sourceWarnings(onWarning: OnWarning): WarnOfSource {
  const warned = new Set<string>();
  return (code, source, message, subject = "", place = () => "") => {
    const key = JSON.stringify([code, source.name, subject]);
    if (warned.has(key)) return;
    warned.add(key);
    onWarning({ code, message: `source "${source.name}": ${place()}${message}` });
  };
}
