/** Names the account that runs the process. */
import { hostname, userInfo } from "node:os";

/** Returns `user@machine`, or `user <id>@machine` in a container whose user has no name. */
export function currentUser(): string {
  let user: string;
  try {
    user = userInfo().username;
  } catch {
    user = `user ${process.getuid?.() ?? "unknown"}`;
  }
  return `${user}@${hostname()}`;
}
