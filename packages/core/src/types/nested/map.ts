/** Maps: a value for each of some keys. A map is held as pairs in the order of keys. */
import type { TypeSpec, Value } from "../../specs.ts";
import { decodeColumn, encodeColumn } from "../column-codec.ts";
import { layoutOf } from "../layouts/layouts.ts";
import type { TypeDescriptor } from "../type-descriptor.ts";
import type { VectorMoves } from "../vector-layout.ts";
import type { PresentValue, VectorOf } from "../vector.ts";
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
import { mapOfPairs } from "./pair-maps.ts";
import { rangedLayout } from "./ranged-layout.ts";

type Pair = readonly [key: PresentValue, value: Value];
const pairsOf = (value: PresentValue): readonly Pair[] => value as unknown as readonly Pair[];

/** Makes the descriptor of maps with such keys and values. */
export function mapType(form: NestedForm, typeOf: TypeOf): TypeDescriptor {
  const keySpec = (spec: NestedForm): TypeSpec => partOf(spec, spec.keys);
  const valueSpec = (spec: NestedForm): TypeSpec => partOf(spec, spec.values);
  const keys = typeOf(keySpec(form));
  const values = typeOf(valueSpec(form));
  const codec: Pick<TypeDescriptor, "encode" | "decode"> = {
    encode(writer, maps) {
      encodeLengths(writer, maps);
      const pairs = maps.flatMap(pairsOf);
      encodeColumn(writer, keys, pairs, 0);
      encodeColumn(writer, values, pairs, 1);
    },
    decode(reader, count, arrays) {
      const offsets = decodeOffsets(reader, count, arrays);
      const keyVector = decodeColumn(reader, keys, offsets[count]!, arrays);
      const valueVector = decodeColumn(reader, values, offsets[count]!, arrays);
      return { kind: "map", offsets, keys: keyVector, values: valueVector, valid: null };
    },
  };
  const comparePairs = (a: Value, b: Value): number => {
    const [keyA, valueA] = a as unknown as Pair;
    const [keyB, valueB] = b as unknown as Pair;
    return keys.compare(keyA, keyB) || comparePart(values, valueA, valueB);
  };
  return {
    ...unordered,
    ...codec,
    type: "map",
    layout: rangedLayout(
      layoutOf({ kind: "map" }) as VectorMoves<VectorOf<"map">>,
      elementOf(codec),
      (offsets, pairs, valid) => ({
        kind: "map",
        offsets,
        keys: keys.layout.of(pairs, (pair) => partsOf(pair!)[0]!),
        values: values.layout.of(pairs, (pair) => partsOf(pair!)[1]!),
        valid,
      }),
    ),
    compare: (a, b) => compareLists(partsOf(a), partsOf(b), comparePairs),
    toUser(map, spec, name) {
      const shown = new Map(
        pairsOf(map).map(([key, value]) => [
          keys.toUser(key, keySpec(spec), name),
          partToUser(values, value, valueSpec(spec), name),
        ]),
      );
      return keySpec(spec).type === "string" ? shown : mapOfPairs(shown);
    },
    fromUser(input, spec, readTime) {
      if (!(input instanceof Map)) return undefined;
      const pairs: Pair[] = [];
      for (const [givenKey, givenValue] of input as ReadonlyMap<unknown, unknown>) {
        const key = keys.fromUser(givenKey, keySpec(spec), readTime);
        const value = partFromUser(values, givenValue, valueSpec(spec), readTime);
        if (key === undefined || value === undefined) return undefined;
        pairs.push([key, value]);
      }
      pairs.sort(([a], [b]) => keys.compare(a, b));
      const isUnique = pairs.every(
        ([key], i) => i === 0 || keys.compare(pairs[i - 1]![0], key) !== 0,
      );
      return isUnique ? pairs : undefined;
    },
    expected: (spec) =>
      `a map (a Map) whose keys are each ${keys.expected(keySpec(spec))}, ` +
      `and whose values are each ${values.expected(valueSpec(spec))}`,
    jsonText(spec, writerOf) {
      const keyText = partText(keys, keySpec(spec), writerOf);
      const valueText = partText(values, valueSpec(spec), writerOf);
      if (keySpec(spec).type === "string")
        return (map) =>
          `{${pairsOf(map)
            .map(([key, value]) => `${keyText(key)}:${valueText(value)}`)
            .join(",")}}`;
      return (map) =>
        `[${pairsOf(map)
          .map(([key, value]) => `[${keyText(key)},${valueText(value)}]`)
          .join(",")}]`;
    },
    sqlLiteral(map, spec) {
      const pairs = pairsOf(map);
      const keyTexts = pairs.map(([key]) => keys.sqlLiteral(key, keySpec(spec)));
      const valueTexts = pairs.map(([, value]) => partLiteral(values, value, valueSpec(spec)));
      return `MAP(ARRAY[${keyTexts.join(", ")}], ARRAY[${valueTexts.join(", ")}])`;
    },
  };
}
