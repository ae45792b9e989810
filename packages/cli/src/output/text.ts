/** Writes sizes and names for people. */

export function bytesText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (let value = bytes; value >= 1000 && unit < units.length - 1; value /= 1000) unit++;
  return `${unit === 0 ? bytes : (bytes / 1000 ** unit).toFixed(1)} ${units[unit]!}`;
}

/** A name that somebody gave, without characters that would control the terminal. */
export function oneLine(name: string): string {
  return name.replace(/\p{Cc}/gu, " ");
}
