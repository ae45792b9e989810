/** Makes JSON texts of messages ready to be kept in files, which hold UTF-8. */

/** Escapes halves of surrogate pairs in a JSON text. */
export function wellFormedJson(json: string): string {
  // The library of the compiler's target does not know the method yet.
  return (json as string & { isWellFormed(): boolean }).isWellFormed()
    ? json
    : json.replace(HALF_PAIRS, escaped);
}

const HALF_PAIRS = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

const escaped = (half: string): string => `\\u${half.charCodeAt(0).toString(16)}`;
