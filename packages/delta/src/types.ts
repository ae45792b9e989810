/** Tells types with parts from types without. */
import type { ScalarType, TypeSpec } from "@tidemark/core/spi";

/** Whether values of the type have no parts. Lists, maps and structs have parts. */
export function hasScalarType<S extends Pick<TypeSpec, "type">>(
  spec: S,
): spec is S & { readonly type: ScalarType } {
  return spec.type !== "list" && spec.type !== "map" && spec.type !== "struct";
}
