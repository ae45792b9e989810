/**
 * The TOAST marker: what Debezium writes in place of a TOASTed value that did not change.
 * PostgreSQL leaves such a value out of its log.
 */

/**
 * Makes a test whether the JSON text of a value is the TOAST marker. The marker comes as text, as
 * bytea, as an array of text, of bytea or of integers, and as hstore.
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
