/** Reports a malformed body in FastAPI's form: `{"detail": [{"type", "loc", "msg"}]}`. */
import { TidemarkError } from "@tidemark/core";
import { quoted } from "../features/names.ts";

/** An error of one member of the body, or of a query parameter. */
export interface Detail {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

/** The error of a malformed body, with all errors of its members. Its code is `REQUEST_INVALID`. */
export class MalformedBody extends TidemarkError {
  readonly detail: readonly Detail[];

  constructor(detail: readonly Detail[]) {
    super(
      "REQUEST_INVALID",
      `the body: ${detail.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ")}`,
    );
    this.detail = detail;
  }
}

/** The members of a body. */
export type BodyMembers = Readonly<Record<string, unknown>>;

/**
 * Reads the members of a body and collects their errors. `done` throws the collected errors.
 * Unknown members are ignored, as in Feast.
 */
export class BodyReader {
  private readonly members: BodyMembers;
  private readonly wrong: Detail[] = [];

  constructor(body: unknown) {
    if (body === undefined || body === null)
      throw new MalformedBody([{ type: "missing", loc: ["body"], msg: "Field required" }]);
    if (!isObject(body))
      throw new MalformedBody([
        { type: "model_attributes_type", loc: ["body"], msg: "Input should be a valid dictionary" },
      ]);
    this.members = body;
  }

  /** Reads a member; undefined if the body does not have the member, or if it is null. */
  private member(name: string): unknown {
    const value = Object.hasOwn(this.members, name) ? this.members[name] : undefined;
    return value === null ? undefined : value;
  }

  private add(type: string, loc: readonly (string | number)[], msg: string): void {
    if (this.wrong.length < 20) this.wrong.push({ type, loc: ["body", ...loc], msg });
  }

  private required(name: string): undefined {
    this.add("missing", [name], "Field required");
    return undefined;
  }

  /** Reads a text; undefined if the body does not have the member. */
  text(name: string): string | undefined {
    const value = this.member(name);
    if (value === undefined || typeof value === "string") return value;
    this.add("string_type", [name], "Input should be a valid string");
    return undefined;
  }

  /** Reads a text that the body must have. */
  neededText(name: string): string {
    if (this.member(name) === undefined) this.required(name);
    return this.text(name) ?? "";
  }

  /** Reads a flag; `otherwise` if the body does not have the member. */
  flag(name: string, otherwise: boolean): boolean {
    const value = this.member(name);
    if (value === undefined || typeof value === "boolean") return value ?? otherwise;
    this.add("bool_type", [name], "Input should be a valid boolean");
    return otherwise;
  }

  /** Reads a list of texts; undefined if the body does not have the member. */
  texts(name: string): readonly string[] | undefined {
    const value = this.member(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      this.add("list_type", [name], "Input should be a valid list");
      return undefined;
    }
    for (let i = 0; i < value.length; i++)
      if (typeof value[i] !== "string")
        this.add("string_type", [name, i], "Input should be a valid string");
    return value as readonly string[];
  }

  /** Reads an object of lists, such as the keys of the entities, or the columns of `df`. */
  lists(name: string): ReadonlyMap<string, readonly unknown[]> {
    const lists = new Map<string, readonly unknown[]>();
    const value = this.member(name);
    if (value === undefined) this.required(name);
    else if (!isObject(value)) this.add("dict_type", [name], "Input should be a valid dictionary");
    else {
      for (const [key, list] of Object.entries(value)) {
        if (Array.isArray(list)) lists.set(key, list as readonly unknown[]);
        else this.add("list_type", [name, key.slice(0, 100)], "Input should be a valid list");
      }
    }
    return lists;
  }

  /** Adds an error of a member. */
  refuse(name: string, msg: string): void {
    this.add("value_error", [name], msg);
  }

  /**
   * Ends the reading.
   *
   * @throws REQUEST_INVALID when a member that was read has an error.
   */
  done(): void {
    if (this.wrong.length > 0) throw new MalformedBody(this.wrong);
  }
}

/** Returns the common length of the lists. Different lengths are an error of the member `name`. */
export function lengthOf(
  reader: BodyReader,
  name: string,
  lists: ReadonlyMap<string, readonly unknown[]>,
): number {
  let length: number | null = null;
  let first = "";
  for (const [key, list] of lists) {
    if (length === null) [length, first] = [list.length, key];
    else if (list.length !== length) {
      reader.refuse(
        name,
        "the lists must have one length, " +
          `and ${quoted(first)} has ${length} values and ${quoted(key)} has ${list.length}`,
      );
      break;
    }
  }
  return length ?? 0;
}

function isObject(value: unknown): value is BodyMembers {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
