/** Shows how far a rewrite of versions is. */
import type { RewriteProgress, RewrittenVersions } from "@tidemark/core";
import type { Progress } from "../terminal/progress.ts";

/** Milliseconds between two progress lines where stderr is no terminal. */
const REPORT_INTERVAL = 30_000;

/** Makes the function that shows the progress of rewrites, source after source. */
export function rewriteReporter(
  progress: Progress,
  seconds: () => string,
): (rewrite: RewriteProgress) => void {
  let told = performance.now();
  const begun = new Set<string>();
  return ({ source, changes, total, reused }) => {
    if (reused > 0 && !begun.has(source))
      progress.done(
        `${source}: an interrupted rewrite had done the versions of ${reused} of ${total} ` +
          "changes; going on from there",
      );
    begun.add(source);
    const text = `${source}: versions of ${changes} of ${total} changes rewritten, ${seconds()}`;
    progress.update(text);
    if (performance.now() - told < REPORT_INTERVAL) return;
    told = performance.now();
    progress.done(text);
  };
}

/** Says what was rewritten. */
export function rewrittenText({ source, total, reused }: RewrittenVersions): string {
  return (
    `${source}: versions of ${total} changes rewritten` +
    (reused === 0 ? "" : `, of which an interrupted rewrite had done ${reused}`)
  );
}
