/** Makes the ids of requests, which connect an answer with the lines of the log. */
import { randomBytes } from "node:crypto";

/**
 * Returns a function that makes a new id at each call. Ids of other processes differ: an id starts
 * with random digits of its process.
 */
export function requestIds(): () => string {
  const process = randomBytes(5).toString("hex");
  let count = 0;
  return () => `${process}-${(++count).toString(36)}`;
}
