/** Writes answers as JSON. The text keeps every digit and is equal only for equal values. */
import { valueAt, type Batch, type TypeSpec, type Value, type Vector } from "@tidemark/core/spi";
import { compactJson, type PartWriters, typeOf } from "@tidemark/core/internal";

/** The JSON text of each value in row `i`, from column `first` on. */
export function answerTexts(batch: Batch, i: number, first = 0): string[] {
  return batch.vectors
    .slice(first)
    .map((vector, f) => valueText(valueAt(vector, i), batch.columns[first + f]!));
}

/**
 * The JSON text of one value. int64: all digits. float64: the shortest text of the same double.
 * decimal: its digits as a string. timestamp: ISO with microseconds, with a Z if it has a zone.
 * date: YYYY-MM-DD. bytes: base64. json: unchanged. A list is an array, a struct an object. A map
 * is an object if its keys are text, else an array of pairs.
 */
function valueText(value: Value, spec: TypeSpec): string {
  if (value === null) return "null";
  return (writerOf(spec) ?? typeOf(spec).jsonText(spec, writerOf))(value);
}

const writerOf: PartWriters = ({ type }) =>
  type === "json" ? compactText : type === "float64" ? floatText : undefined;

function compactText(value: Exclude<Value, null>): string {
  return compactJson(value as string);
}

function floatText(value: Exclude<Value, null>): string {
  return Object.is(value, -0) ? "-0" : JSON.stringify(value);
}

/**
 * The columns with a number that JSON does not have (NaN and the infinities): its text is null.
 */
export function columnsWithoutJson({ length, columns, vectors }: Batch): readonly string[] {
  return columns
    .filter((column, c) => lacksJson(column, vectors[c]!, 0, length))
    .map(({ name }) => name);
}

/** Whether a value in [from, to) is, or has, a number that JSON does not have. */
function lacksJson(spec: TypeSpec, vector: Vector, from: number, to: number): boolean {
  switch (vector.kind) {
    case "float64":
      if (spec.type !== "float64") return false;
      for (let i = from; i < to; i++)
        if (!Number.isFinite(vector.values[i]) && vector.valid?.[i] !== 0) return true;
      return false;
    case "list":
      return lacksJson(spec.element!, vector.elements, vector.offsets[from]!, vector.offsets[to]!);
    case "map": {
      const [first, end] = [vector.offsets[from]!, vector.offsets[to]!];
      return (
        lacksJson(spec.keys!, vector.keys, first, end) ||
        lacksJson(spec.values!, vector.values, first, end)
      );
    }
    case "struct":
      return spec.fields!.some((field, f) => lacksJson(field, vector.fields[f]!, from, to));
    default:
      return false;
  }
}

/** One answer: feature name → value. */
export function answerLine(features: readonly string[], texts: readonly string[]): string {
  return `{${features.map((name, f) => `${JSON.stringify(name)}:${texts[f]}`).join(",")}}`;
}
