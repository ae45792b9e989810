/** Names the account that runs the process. */
import { nodeOs } from "../node-modules.ts";

/** Returns `user@machine`, or `user <id>@machine` in a container whose user has no name. */
export function currentUser(): string {
  const { hostname, userInfo } = nodeOs();
  let user: string;
  try {
    user = userInfo().username;
  } catch {
    user = `user ${process.getuid?.() ?? "unknown"}`;
  }
  return `${user}@${hostname()}`;
}
