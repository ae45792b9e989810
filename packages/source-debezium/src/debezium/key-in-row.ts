/**
 * Recognizes keys whose members the row repeats, such as `{"id":17}` of a row with `"id":17`. The
 * log then keeps the names of the members only, and the reader makes the same text again.
 */
import type { JsonMembers, PayloadReader } from "@tidemark/core/internal";

/** The form of such keys. Keys of one topic nearly always have one form. */
export interface KeyForm {
  /** The members, in their order. */
  readonly names: readonly string[];
  /** The text of the key's schema; null: it has none. */
  readonly schema: string | null;
  /** The texts before, between and after the values. */
  readonly parts: readonly string[];
}

/** Recognizes keys of one run. */
export interface KeysInRows {
  /**
   * Gives the form of a key if the topic's last keys had it and the row repeats the key to the
   * letter. null: the key must be read.
   */
  known(topic: string, key: string, row: JsonMembers): KeyForm | null;
  /** Gives the form of a key that `payload` has read; null: the row does not repeat the key. */
  read(topic: string, key: string, row: JsonMembers, payload: PayloadReader): KeyForm | null;
}

/** Makes what recognizes keys. */
export function keysInRows(): KeysInRows {
  const forms = new Map<string, KeyForm>();
  return {
    known(topic, key, row) {
      const form = forms.get(topic);
      return form !== undefined && isRepeated(form, key, row) ? form : null;
    },
    read(topic, key, row, payload) {
      const form = formOf(key, payload);
      if (form === null || !isRepeated(form, key, row)) return null;
      forms.set(topic, form);
      return form;
    },
  };
}

function isRepeated({ names, parts }: KeyForm, key: string, row: JsonMembers): boolean {
  let at = 0;
  for (const [k, name] of names.entries()) {
    const before = parts[k]!;
    // Comparing a slice is ten times as fast as `startsWith`.
    if (key.slice(at, at + before.length) !== before) return false;
    at += before.length;
    const i = row.find(name);
    if (i < 0) return false;
    const value = row.raw(i);
    if (key.slice(at, at + value.length) !== value) return false;
    at += value.length;
  }
  return key.slice(at) === parts[names.length];
}

/** Gives the form of a key; null: its text has spaces, or is no object. */
function formOf(key: string, { members, schemaText }: PayloadReader): KeyForm | null {
  const names = Array.from({ length: members.length }, (_, i) => members.key(i));
  if (names.length === 0 || new Set(names).size < names.length) return null;
  const schema = schemaText();
  const head = schema === null ? "" : `{"schema":${schema},"payload":`;
  const parts = names.map((name, k) => `${k === 0 ? `${head}{` : ","}${JSON.stringify(name)}:`);
  const form = { names, schema, parts: [...parts, schema === null ? "}" : "}}"] };
  return isRepeated(form, key, members) ? form : null;
}
