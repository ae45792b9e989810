/**
 * What Debezium puts where PostgreSQL left a TOASTed value out of its log because it did not
 * change.
 */

/**
 * Tests the JSON text of a value for the TOAST marker: as text, as bytea, as an array of text, of
 * bytea or of integers, and as hstore.
 */
export function toastMarkers(text: string): {
  has(raw: string): boolean;
  readonly sizes: ReadonlySet<number>;
} {
  const base64 = Buffer.from(text).toString("base64");
  const forms = new Set(
    [
      text,
      base64,
      [text],
      [base64],
      [...Buffer.from(text)],
      { [text]: text },
      JSON.stringify({ [text]: text }),
    ].map((form) => JSON.stringify(form)),
  );
  return { has: (raw) => forms.has(raw), sizes: new Set([...forms].map((form) => form.length)) };
}
