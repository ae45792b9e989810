/** Shortens names in messages. */

/** Quotes a name that a caller sent. At most 100 characters are shown. */
export function quoted(name: string): string {
  return JSON.stringify(name.length <= 100 ? name : `${name.slice(0, 100)}…`);
}

/** Lists known names. At most 20 names are shown. */
export function shortened(names: readonly string[]): string {
  return names.length <= 20
    ? names.join(", ")
    : `${names.slice(0, 20).join(", ")} and ${names.length - 20} more`;
}
