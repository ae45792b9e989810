/** Reads the keys and features of services from the server. */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec } from "@tidemark/core/spi";
import { answerReader, type AnswerReader } from "./answers.ts";
import type { Transport } from "./transport.ts";

/** The keys of a service, and the readers of its answers. */
export interface NamedService {
  readonly keys: readonly ColumnSpec[];
  /** Returns the reader of answers with metadata, or of answers without. */
  readonly readers: (metadata: boolean) => AnswerReader;
}

/** The members of `GET /v1/definitions` that are used here. */
interface DefinitionsAnswer {
  readonly services: readonly {
    readonly name: string;
    readonly keys: readonly ColumnSpec[];
    readonly features: readonly ColumnSpec[];
  }[];
}

/** The services of the server. */
export interface ServiceDirectory {
  /**
   * Returns a service. The definitions are read once, and again after a failure or for an unknown
   * name.
   *
   * @throws SERVICE_UNKNOWN when the server has no service of this name.
   */
  named(name: string, signal: AbortSignal | undefined): Promise<NamedService>;
  /** Forgets all services, so that the next call reads the definitions again. */
  forget(): void;
}

/** Makes a directory of the server's services. */
export function serviceDirectory(send: Transport): ServiceDirectory {
  const known = new Map<string, NamedService>();
  return {
    async named(name, signal) {
      const found = known.get(name);
      if (found !== undefined) return found;
      const { services } = (await send({
        method: "GET",
        path: "/v1/definitions",
        repeatable: true,
        signal,
      })) as DefinitionsAnswer;
      for (const one of services)
        known.set(one.name, { keys: one.keys, readers: answerReaders(one.features) });
      const now = known.get(name);
      if (now === undefined)
        throw new TidemarkError(
          "SERVICE_UNKNOWN",
          `the server has no service "${name}"; ` +
            `its services are ${services.map((one) => one.name).join(", ") || "none"}`,
        );
      return now;
    },
    forget: () => {
      known.clear();
    },
  };
}

/** Makes the two readers of answers: with metadata, and without. */
export function answerReaders(columns: readonly ColumnSpec[]): (metadata: boolean) => AnswerReader {
  const [plain, detailed] = [answerReader(columns, false), answerReader(columns, true)];
  return (metadata) => (metadata ? detailed : plain);
}
