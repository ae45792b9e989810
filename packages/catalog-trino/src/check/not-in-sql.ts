/** Why something is not computed by SQL. A check reports it beside the feature. */
export class NotInSql extends Error {
  override readonly name = "NotInSql";
}
