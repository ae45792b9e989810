/** Whether the services are containers or processes of this machine. */
import { absentImages, missingForDocker, pullImages } from "./images.ts";

/** How the services were started: as containers, or as processes of this machine. */
export type ServiceRuntime = "docker" | "processes";

export interface ChosenRuntime {
  readonly runtime: ServiceRuntime;
  /** For people: why this one. */
  readonly reason: string;
}

/**
 * What was asked for, here or in TIDEMARK_SERVICES; else containers where an engine answers and has
 * or gets their images, and processes elsewhere.
 */
export async function chooseRuntime(
  wanted: ServiceRuntime | undefined,
  onPull: (image: string) => void = () => undefined,
): Promise<ChosenRuntime> {
  const asked = wanted ?? process.env["TIDEMARK_SERVICES"] ?? "";
  if (!["docker", "processes", ""].includes(asked))
    throw new Error(
      `services: TIDEMARK_SERVICES is "${asked}"; set it to docker or to processes, or unset it`,
    );
  if (asked === "processes") return { runtime: "processes", reason: "as asked for" };
  const missing = missingForDocker();
  if (missing !== null) {
    if (asked === "docker")
      throw new Error(`services: containers were asked for, and there is ${missing}`);
    return { runtime: "processes", reason: "no Docker engine answers" };
  }
  try {
    await pullImages(absentImages(), onPull);
  } catch (error) {
    if (asked === "docker") throw error;
    return { runtime: "processes", reason: (error as Error).message };
  }
  return {
    runtime: "docker",
    reason: asked === "docker" ? "as asked for" : "a Docker engine answers",
  };
}
