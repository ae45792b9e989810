/** The addresses of the pages about one feature. A reference is `view:feature`. */
import { hrefOf } from "./router.ts";

export function featureHref(reference: string): string {
  return hrefOf(["feature", ...reference.split(":")]);
}

export function explainHref(
  reference: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  return hrefOf(["explain", ...reference.split(":")], query);
}
