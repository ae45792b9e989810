/** A text that is equal for equal plain data with its members in one order. */
export function dataText(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    return value instanceof Uint8Array ? [...value] : value;
  });
}
