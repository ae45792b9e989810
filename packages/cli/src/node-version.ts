// Runs on every Node from 14 on, like bin.ts.

/** The `engines` of package.json. */
const MINIMUM = [22, 18] as const;

/** Says in one sentence what to do on a Node that is too old; null on one that is not. */
export function unsupportedNode(version: string): string | null {
  const [major, minor] = version.split(".").map(Number) as [number, number];
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return null;
  return (
    `tidemark: Tidemark needs Node ${MINIMUM.join(".")} or newer, and this is Node ${version}; ` +
    "install a newer one from https://nodejs.org and run the command again."
  );
}
