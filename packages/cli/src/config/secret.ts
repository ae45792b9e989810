/**
 * Secrets. A configuration holds references; a value is read when a store that needs it opens.
 * Nothing prints a value.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TidemarkError } from "@tidemark/core";

/**
 * A registered symbol. The configuration may load another copy of this package than the command.
 */
const referenceSymbol: unique symbol = Symbol.for("tidemark.secret/1") as never;

/** A reference to a secret, never its value: `env("NAME")` or `file("path")`. */
export interface SecretReference {
  readonly [referenceSymbol]: { readonly from: "environment" | "file"; readonly name: string };
}

/** References to secrets by name. */
export type SecretReferences = { readonly [name: string]: SecretReference };

/** The secrets by name. A value is read on access. */
export type Secrets<Names extends string = string> = { readonly [N in Names]: string };

/** What a function of the configuration gets. */
export interface OpenContext<S extends SecretReferences = SecretReferences> {
  /** The secrets; a value is read on access, and printing the object shows no value. */
  readonly secrets: Secrets<keyof S & string>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The secret in an environment variable. A variable that is empty or not set is `SECRET_MISSING` on
 * access, not before.
 *
 * @example
 * defineConfig({ definitions, secrets: { database: env("BANK_DATABASE_URL") } });
 */
export function env(name: string): SecretReference {
  return reference("environment", name, "env");
}

/**
 * The secret in a file, as Docker and Kubernetes mount it, without the last line break. A file that
 * is empty or does not exist is `SECRET_MISSING` on access.
 *
 * @example
 * defineConfig({ definitions, secrets: { s3: file("/run/secrets/s3") } });
 */
export function file(path: string | URL): SecretReference {
  return reference("file", path instanceof URL ? fileURLToPath(path) : path, "file");
}

function reference(from: "environment" | "file", name: unknown, call: string): SecretReference {
  if (typeof name !== "string" || name === "")
    throw new TidemarkError(
      "CONFIG_INVALID",
      `${call}(…): give the name of the ${from === "file" ? "file" : "environment variable"} ` +
        "that holds the secret",
    );
  const text = `[secret in ${from === "file" ? "file" : "environment variable"} ${name}]`;
  const made: object = Object.create(null, {
    [referenceSymbol]: { value: Object.freeze({ from, name }) },
    [Symbol.for("nodejs.util.inspect.custom")]: { value: () => text },
    [Symbol.toPrimitive]: { value: () => text },
    toJSON: { value: () => text },
  });
  return Object.freeze(made) as SecretReference;
}

export function isSecretReference(value: unknown): value is SecretReference {
  return typeof value === "object" && value !== null && Object.hasOwn(value, referenceSymbol);
}

/** Makes an object with one getter per secret. Printing the object shows only the names. */
export function secretsOf(references: Readonly<Record<string, SecretReference>>): Secrets {
  const names = Object.keys(references);
  const text = `[secrets ${names.join(", ")}]`;
  const made: object = Object.create(null, {
    ...Object.fromEntries(
      names.map((name) => [
        name,
        { get: () => readSecret(name, references[name]!), enumerable: false },
      ]),
    ),
    [Symbol.for("nodejs.util.inspect.custom")]: { value: () => text },
    [Symbol.toPrimitive]: { value: () => text },
  });
  if (!Object.hasOwn(made, "toJSON")) Object.defineProperty(made, "toJSON", { value: () => text });
  return Object.freeze(made) as Secrets;
}

function readSecret(
  name: string,
  { [referenceSymbol]: { from, name: location } }: SecretReference,
): string {
  const missing = (what: string, next: string, cause?: unknown): TidemarkError =>
    new TidemarkError(
      "SECRET_MISSING",
      `secret "${name}": ${what}; ${next}, or name another place in the configuration`,
      { cause },
    );
  let value: string | undefined;
  if (from === "environment") {
    value = process.env[location];
    if (value === undefined || value === "")
      throw missing(
        `the environment variable ${location} is ${value === undefined ? "not set" : "empty"}`,
        "set it",
      );
  } else {
    try {
      value = textOf(readFileSync(location)).replace(/\r?\n$/, "");
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const why =
        code === "ENOENT"
          ? "does not exist"
          : code === "ERR_ENCODING_INVALID_ENCODED_DATA"
            ? "is not UTF-8"
            : `cannot be read (${code})`;
      throw missing(`the file ${location} ${why}`, "put it there", cause);
    }
    if (value === "") throw missing(`the file ${location} is empty`, "write the secret into it");
  }
  rememberSecret(name, value);
  return value;
}

/** The text of a file without its byte order mark. PowerShell's `>` writes UTF-16. */
function textOf(bytes: Buffer): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8", { fatal: true }).decode(bytes);
}

/** The characters of the shortest secret that is redacted: a shorter one can be guessed. */
const SHORTEST_REDACTED = 4;
/** The characters of a secret that is redacted also within a word. */
const REDACTED_WITHIN_WORDS = 8;

/** The secrets that this process has read: text → name. */
const readSecrets = new Map<string, string>();

/**
 * Remembers each form that a message may have of the secret: plain, in a URL, in JSON. If the
 * secret is a URL, its password counts too.
 */
function rememberSecret(name: string, value: string): void {
  const lines = value.split(/\r?\n/);
  const parts = lines.length === 1 ? [value] : [value, ...lines];
  if (URL.canParse(value)) {
    const { password } = new URL(value);
    parts.push(password, urlDecoded(password));
  }
  for (const part of parts)
    for (const form of [part, encodeURIComponent(part), JSON.stringify(part).slice(1, -1)])
      if (form.length >= SHORTEST_REDACTED && !readSecrets.has(form)) readSecrets.set(form, name);
}

function urlDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Replaces every secret that this process has read by `[secret NAME]`, for output and logs. A
 * secret of less than 8 characters is replaced where it is a whole word, and one of less than 4 is
 * not. The password of any address is replaced too.
 *
 * @example
 * console.log(redact(`connecting to ${url}`));
 */
export function redact(text: string): string {
  return withoutUrlPasswords(withoutSecrets(text));
}

/**
 * Replaces the password of each address, such as that of a database, whoever gave it. The word
 * `password` is that of an example.
 */
function withoutUrlPasswords(text: string): string {
  return text.replace(
    /\b([a-z][a-z0-9+.-]*:\/\/[^/?#\s:@"'[]*):(?!password@)[^/?#\s@"'[]+@/gi,
    "$1:[password]@",
  );
}

function withoutSecrets(text: string): string {
  if (readSecrets.size === 0) return text;
  // One pass, longest first, because one secret may contain another.
  const forms = [...readSecrets.keys()]
    .sort((a, b) => b.length - a.length)
    .map((form) => {
      const pattern = form.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
      return form.length < REDACTED_WITHIN_WORDS
        ? `(?<![\\p{L}\\p{N}_])${pattern}(?![\\p{L}\\p{N}_])`
        : pattern;
    });
  return text.replace(
    new RegExp(forms.join("|"), "gu"),
    (form) => `[secret ${readSecrets.get(form)!}]`,
  );
}

/** Redacts every text in a value that becomes JSON. */
export function redactAll(value: unknown): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if ("toJSON" in value && typeof value.toJSON === "function")
    return redactAll((value.toJSON as () => unknown)());
  if (Array.isArray(value)) return value.map(redactAll);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [redact(name), redactAll(member)]),
  );
}
