/** Whether the services are containers or processes of this machine. */
import { absentImages, missingForDocker, pullImages } from "./images.ts";

/** How the services were started: as containers, or as processes of this machine. */
export type Way = "docker" | "processes";

export interface ChosenWay {
  readonly way: Way;
  /** For people: why this one. */
  readonly because: string;
}

/**
 * What was asked for, here or in TIDEMARK_SERVICES; else containers where an engine answers and has
 * or gets their images, and processes elsewhere.
 */
export async function chooseWay(
  wanted: Way | undefined,
  onPull: (image: string) => void = () => undefined,
): Promise<ChosenWay> {
  const asked = wanted ?? process.env["TIDEMARK_SERVICES"] ?? "";
  if (!["docker", "processes", ""].includes(asked))
    throw new Error(
      `services: TIDEMARK_SERVICES is "${asked}"; set it to docker or to processes, or unset it`,
    );
  if (asked === "processes") return { way: "processes", because: "as asked for" };
  const missing = missingForDocker();
  if (missing !== null) {
    if (asked === "docker")
      throw new Error(`services: containers were asked for, and there is ${missing}`);
    return { way: "processes", because: "no Docker engine answers" };
  }
  try {
    await pullImages(absentImages(), onPull);
  } catch (error) {
    if (asked === "docker") throw error;
    return { way: "processes", because: (error as Error).message };
  }
  return {
    way: "docker",
    because: asked === "docker" ? "as asked for" : "a Docker engine answers",
  };
}
