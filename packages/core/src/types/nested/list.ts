/** Lists: any number of elements of one type, in an order. */
import type { TypeSpec, Value } from "../../specs.ts";
import { decodeColumn, encodeColumn } from "../column-codec.ts";
import { layoutOf } from "../layouts/layouts.ts";
import type { TypeDescriptor } from "../type-descriptor.ts";
import type { VectorMoves } from "../vector-layout.ts";
import type { VectorOf } from "../vector.ts";
import { decodeOffsets, encodeLengths } from "./offsets-codec.ts";
import {
  compareLists,
  comparePart,
  elementOf,
  partFromUser,
  partLiteral,
  partOf,
  partsOf,
  partText,
  partToUser,
  unordered,
  type NestedForm,
  type TypeOf,
} from "./parts.ts";
import { rangedLayout } from "./ranged-layout.ts";

/** Makes the descriptor of lists of these elements. */
export function listType(form: NestedForm, typeOf: TypeOf): TypeDescriptor {
  const elementSpec = (spec: NestedForm): TypeSpec => partOf(spec, spec.element);
  const type = typeOf(elementSpec(form));
  const codec: Pick<TypeDescriptor, "encode" | "decode"> = {
    encode(writer, values) {
      encodeLengths(writer, values);
      const elements = values.flatMap((value) => partsOf(value).map((element) => [element]));
      encodeColumn(writer, type, elements, 0);
    },
    decode(reader, count, arrays) {
      const offsets = decodeOffsets(reader, count, arrays);
      const elements = decodeColumn(reader, type, offsets[count]!, arrays);
      return { kind: "list", offsets, elements, valid: null };
    },
  };
  return {
    ...unordered,
    ...codec,
    type: "list",
    layout: rangedLayout(
      layoutOf({ kind: "list" }) as VectorMoves<VectorOf<"list">>,
      elementOf(codec),
      (offsets, items, valid) => ({
        kind: "list",
        offsets,
        elements: type.layout.of(items, (item) => item),
        valid,
      }),
    ),
    compare: (a, b) => compareLists(partsOf(a), partsOf(b), (x, y) => comparePart(type, x, y)),
    toUser: (value, spec, name) =>
      partsOf(value).map((element) => partToUser(type, element, elementSpec(spec), name)),
    fromUser(input, spec, readTime) {
      if (!Array.isArray(input)) return undefined;
      const elements: Value[] = [];
      for (const one of input as readonly unknown[]) {
        const element = partFromUser(type, one, elementSpec(spec), readTime);
        if (element === undefined) return undefined;
        elements.push(element);
      }
      return elements;
    },
    expected: (spec) =>
      `a list (an array) whose elements are each ${type.expected(elementSpec(spec))}`,
    jsonText(spec, writerOf) {
      const text = partText(type, elementSpec(spec), writerOf);
      return (value) => `[${partsOf(value).map(text).join(",")}]`;
    },
    sqlLiteral: (value, spec) =>
      `ARRAY[${partsOf(value)
        .map((element) => partLiteral(type, element, elementSpec(spec)))
        .join(", ")}]`,
  };
}
