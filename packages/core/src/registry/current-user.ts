/** Who works on this machine, for those who come after. */
import { hostname, userInfo } from "node:os";

/** `user@machine`; in a container whose user has no name, its number. */
export function currentUser(): string {
  let user: string;
  try {
    user = userInfo().username;
  } catch {
    user = `user ${process.getuid?.() ?? "unknown"}`;
  }
  return `${user}@${hostname()}`;
}
