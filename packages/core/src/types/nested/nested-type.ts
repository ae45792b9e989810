/** The descriptors of types with parts. */
import type { TypeDescriptor } from "../type-descriptor.ts";
import { listType } from "./list.ts";
import { mapType } from "./map.ts";
import type { NestedForm, TypeOf } from "./parts.ts";
import { structType } from "./struct.ts";

export type { NestedForm };

/** Makes the descriptor of a list, a map or a struct. `typeOf` gives those of its parts. */
export function nestedType(form: NestedForm, typeOf: TypeOf): TypeDescriptor {
  switch (form.type) {
    case "list":
      return listType(form, typeOf);
    case "map":
      return mapType(form, typeOf);
    case "struct":
      return structType(form, typeOf);
    default:
      throw new TypeError(`there is no type ${form.type}`);
  }
}
