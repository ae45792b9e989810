/** Reads the keys and features of services that are known by name only from the server. */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec } from "@tidemark/core/spi";
import { answerReader, type AnswerReader } from "./answers.ts";
import type { Transport } from "./transport.ts";

export interface NamedService {
  readonly keys: readonly ColumnSpec[];
  readonly readers: (metadata: boolean) => AnswerReader;
}

interface DefinitionsAnswer {
  readonly services: readonly {
    readonly name: string;
    readonly keys: readonly ColumnSpec[];
    readonly features: readonly ColumnSpec[];
  }[];
}

export interface ServiceDirectory {
  /**
   * Returns a service. The server is asked once, and again after a failure or an unknown name.
   *
   * @throws SERVICE_UNKNOWN when the server has no service of this name.
   */
  named(name: string, signal: AbortSignal | undefined): Promise<NamedService>;
  forget(): void;
}

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
            `it has ${services.map((one) => one.name).join(", ") || "none"}`,
        );
      return now;
    },
    forget: () => {
      known.clear();
    },
  };
}

export function answerReaders(columns: readonly ColumnSpec[]): (metadata: boolean) => AnswerReader {
  const [plain, detailed] = [answerReader(columns, false), answerReader(columns, true)];
  return (metadata) => (metadata ? detailed : plain);
}
