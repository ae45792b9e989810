/** Chooses whether the services are containers or processes of this machine. */
import { absentImages, missingForDocker, pullImages } from "./images.ts";

/** How the services were started: as containers, or as processes of this machine. */
export type ServiceRuntime = "docker" | "processes";

/** The chosen runtime. */
export interface ChosenRuntime {
  readonly runtime: ServiceRuntime;
  /** The reason for the choice, for people. */
  readonly reason: string;
}

/**
 * Chooses the requested runtime, from the argument or TIDEMARK_SERVICES. Default: containers if a
 * Docker engine has or can pull the images, else processes.
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
