/**
 * Views without the windows that a store does not hold yet. Until a backfill, such a window decides
 * no status and no event time of its view (law 7: the longest window decides).
 */
import type { SelectedBaseFeature, ViewSpec } from "@tidemark/core/spi";
import { lengthOf } from "@tidemark/testkit";

/**
 * Returns what a store with a retention may take for the view, after it refused features: the view
 * without its longest windows, all of them refused. Each window that is refused for its length is
 * left out. A window that is refused for its column may be too long as well.
 */
export function storedViews(
  view: ViewSpec,
  refused: readonly SelectedBaseFeature[],
  message: string,
): readonly ViewSpec[] {
  const tooLong = view.features.filter(({ name }) =>
    message.includes(`feature ${view.name}.${name} needs a window of `),
  );
  if (view.kind === "latest") return [view];
  const isRefused = (name: string): boolean =>
    refused.some((one) => one.view.name === view.name && one.feature.name === name);
  const lengths = [...new Set(view.features.map(({ window }) => lengthOf(window)))];
  return lengths
    .toSorted((a, b) => b - a)
    .flatMap((length) => {
      const features = view.features.filter(({ window }) => lengthOf(window) <= length);
      const others = view.features.filter((feature) => !features.includes(feature));
      const isPossible =
        others.every(({ name }) => isRefused(name)) && tooLong.every((one) => others.includes(one));
      return isPossible ? [{ ...view, features }] : [];
    });
}
