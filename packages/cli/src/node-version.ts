// Every Node from 14 on runs this file, as it runs bin.ts.

/** The least version of Node, as `engines` of package.json has it. */
const MINIMUM = [22, 18] as const;

/** Returns the sentence that refuses a Node that is too old; null if the version is supported. */
export function unsupportedNode(version: string): string | null {
  const [major, minor] = version.split(".").map(Number) as [number, number];
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return null;
  return (
    `tidemark: Tidemark needs Node ${MINIMUM.join(".")} or newer, and this is Node ${version}; ` +
    "install a newer one from https://nodejs.org and run the command again."
  );
}
