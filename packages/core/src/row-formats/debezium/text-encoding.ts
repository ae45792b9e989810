/**
 * Says by the texts of a column whether they are digits or base64. A message without a schema
 * writes a decimal as base64 (`decimal.handling.mode=precise`) or as digits (`string`), and `1234`
 * may be either.
 */
import { isBase64, isNumeral, isSpecial } from "../values/decimal.ts";

/** What one text can be. */
export type TextForm =
  /** `1234`, `12e3` and `+123`: digits, or base64. */
  | "either"
  /** Digits with a point, a minus or a length that is no multiple of 4; NaN and the infinities. */
  | "digits"
  /** Base64 with padding. */
  | "base64"
  /** Base64 without padding, or a word that is base64 by chance, such as `none`. */
  | "word"
  | "other";

/** Says what a text can be. */
export function textForm(text: string): TextForm {
  if (isNumeral(text)) return isBase64(text) ? "either" : "digits";
  if (isSpecial(text)) return "digits";
  if (!isBase64(text)) return "other";
  return text.endsWith("=") ? "base64" : "word";
}

/**
 * What the texts of a column were so far. The last clear text decides: digits, or base64 with
 * padding.
 */
export type TextEncoding =
  /** No text was digits or base64. */
  | "nothing"
  | "digits"
  /** No text was clear, and one that may be either was read as digits. */
  | "digits?"
  | "base64"
  /** Since the last base64 with padding, a text that may be either was read as base64. */
  | "base64?"
  /** No text was clear, and a word was read as base64. */
  | "words"
  /** A clear text contradicts how an earlier one was read. */
  | "unclear";

/** Says what the texts of a column are once a text of this form follows. */
export function nextEncoding(before: TextEncoding, form: TextForm): TextEncoding {
  if (form === "other") return before;
  switch (before) {
    case "nothing":
      return form === "either" ? "digits?" : form === "word" ? "words" : form;
    case "digits?":
      return form === "base64" ? "unclear" : form === "digits" ? "digits" : before;
    case "digits":
      return form === "base64" ? "base64" : before;
    case "base64":
      return form === "either" ? "base64?" : form === "digits" ? "digits" : before;
    case "base64?":
    case "words":
      return form === "digits" ? "unclear" : form === "base64" ? "base64" : before;
    case "unclear":
      return before;
  }
}

/** How a column is read: without what only a later text decides. */
export function readAs(texts: TextEncoding): TextEncoding {
  return texts === "digits?" ? "digits" : texts === "base64?" ? "base64" : texts;
}
