/**
 * The TOAST marker: what Debezium writes in place of a TOASTed value that did not change.
 * PostgreSQL leaves such a value out of its log.
 */

/**
 * Makes a test whether the JSON text of a value is the TOAST marker. The marker comes as text, as
 * bytea in each `binary.handling.mode`, as an array of text, of bytea or of integers, and as
 * hstore.
 */
export function toastMarkers(text: string): {
  has(raw: string): boolean;
  readonly sizes: ReadonlySet<number>;
} {
  const bytes = (["base64", "base64url", "hex"] as const).map((encoding) =>
    Buffer.from(text).toString(encoding),
  );
  const forms = new Set(
    [
      text,
      ...bytes,
      [text],
      ...bytes.map((one) => [one]),
      [...Buffer.from(text)],
      { [text]: text },
      JSON.stringify({ [text]: text }),
    ].map((form) => JSON.stringify(form)),
  );
  return { has: (raw) => forms.has(raw), sizes: new Set([...forms].map((form) => form.length)) };
}
