/** A condition of a store that becomes an alert. */
import type { Alert, AlertName } from "./alert-types.ts";

/** A condition that holds now. */
export interface Condition extends Pick<
  Alert,
  "alert" | "source" | "severity" | "summary" | "nextStep" | "value" | "docs"
> {
  /** What the alert is of, beside its name: the source, or the role of a store. */
  readonly of: string;
  /** How long it must hold before it fires, ms. */
  readonly after: number;
}

const DOCS = "https://tidemark-features.github.io/tidemark/";

/** The members of a condition that its name decides. */
export function page(
  alert: AlertName,
  source: string | null,
  severity: Alert["severity"],
  docs: string,
): Pick<Condition, "alert" | "source" | "of" | "severity" | "docs"> {
  return { alert, source, of: source ?? "stores", severity, docs: DOCS + docs };
}
