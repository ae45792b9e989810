/** Calls the functions of transforms, and checks what they return. */
import { fromUser, toUser } from "../define/user-values.ts";
import { described } from "../define/definition.ts";
import { TidemarkError } from "../errors.ts";
import type { Reader } from "../expr/scalar-function.ts";
import type { Expression, TransformSpec, Value } from "../specs.ts";

/**
 * Makes one reader for each output of a transform. The function is called when a row is first read,
 * and once for a row. `bind` makes the reader of an input.
 *
 * @throws TRANSFORM_FAILED from the readers, when the function throws, returns a promise or leaves
 * an output out, or when an output is no value of its declared type.
 */
export function transformReaders(
  transform: TransformSpec,
  bind: (value: Expression) => Reader,
  length: number,
): readonly Reader[] {
  const { compute, inputs, outputs } = transform;
  const bound = inputs.map(({ name, type, value }) => ({ name, type, read: bind(value) }));
  const computed = new Array<readonly Value[] | undefined>(length);

  function valuesAt(row: number): readonly Value[] {
    const given: Record<string, unknown> = {};
    for (const { name, type, read } of bound) given[name] = toUser(read(row), type);
    const who = whoFails(transform, row);
    const returned = returnedBy(compute, given, who);
    return outputs.map((output) =>
      fromUser(
        Object.hasOwn(returned, output.name) ? returned[output.name] : undefined,
        output,
        `${who}: output "${output.name}"`,
        "TRANSFORM_FAILED",
      ),
    );
  }

  return outputs.map((_, output) => (row) => (computed[row] ??= valuesAt(row))[output]!);
}

function returnedBy(
  compute: TransformSpec["compute"],
  given: Readonly<Record<string, unknown>>,
  who: string,
): Readonly<Record<string, unknown>> {
  let returned: unknown;
  try {
    returned = compute(given);
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : described(cause);
    throw new TidemarkError(
      "TRANSFORM_FAILED",
      `${who}: compute threw ${why}; make it answer these inputs too, under a new version`,
      { cause },
    );
  }
  if (typeof returned === "object" && returned !== null && !Array.isArray(returned)) {
    if (typeof (returned as { readonly then?: unknown }).then !== "function")
      return returned as Readonly<Record<string, unknown>>;
    // its rejection must not end the process
    Promise.resolve(returned).catch(() => undefined);
  }
  throw new TidemarkError(
    "TRANSFORM_FAILED",
    `${who}: compute returned ${
      typeof returned === "object" && returned !== null && "then" in returned
        ? "a promise"
        : described(returned)
    }; return an object with its outputs at once`,
  );
}

/** Names the transform and the row. An error shows no key. */
function whoFails({ name, version }: TransformSpec, row: number): string {
  return `transform "${name}", version ${version}, at entity row ${row}`;
}
