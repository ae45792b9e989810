/** Refuses names that neither the definitions nor the log have. */
import type { Definitions } from "../define/collect-definitions.ts";
import { featureNamed } from "../define/former-names.ts";
import { didYouMean } from "../did-you-mean.ts";
import { TidemarkError } from "../errors.ts";

/**
 * Refuses names of features and services. `logged`: the features that the log has.
 *
 * @throws FEATURE_UNKNOWN when there is no such feature, and none was logged.
 * @throws SERVICE_UNKNOWN when there is no such service, and none was logged.
 */
export function refuseUnknownNames(
  { views, derivedViews, services }: Definitions,
  asked: { readonly features: Iterable<string>; readonly services: Iterable<string> },
  logged: { readonly features: ReadonlySet<string>; readonly services: ReadonlySet<string> },
): void {
  for (const name of asked.services) {
    if (services.has(name) || logged.services.has(name)) continue;
    throw new TidemarkError(
      "SERVICE_UNKNOWN",
      `skew: no feature service is called "${name}"${didYouMean(name, services.keys())}, and ` +
        `none was logged (${[...services.keys()].join(", ") || "there are none"})`,
    );
  }
  const all = [...views.values(), ...derivedViews.values()];
  for (const name of asked.features) {
    const at = name.indexOf(":");
    const view = all.find((one) => one.name === name.slice(0, at));
    if (logged.features.has(name)) continue;
    if (view?.kind === "derived" && view.features.some((one) => one.name === name.slice(at + 1)))
      continue;
    if (view !== undefined && view.kind !== "derived" && featureNamed(view, name.slice(at + 1)))
      continue;
    const names = all.flatMap((one) =>
      one.features.map((feature) => `${one.name}:${feature.name}`),
    );
    throw new TidemarkError(
      "FEATURE_UNKNOWN",
      `skew: no feature is called "${name}"${didYouMean(name, names)}, and none was logged; ` +
        `write view:feature, such as ${names[0] ?? "weekly:amount"}`,
    );
  }
}
