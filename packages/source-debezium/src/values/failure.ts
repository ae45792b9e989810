/** Why a value could not be read: what a column's reader gives instead of a value. */
export class Failure {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A float or a decimal that is NaN or infinite: missing and counted, not unreadable (law 9). */
export const NON_FINITE: Failure = new Failure("NON_FINITE");
/** A decimal as base64 and nowhere a scale: the source stops (law 9). */
export const WITHOUT_SCALE: Failure = new Failure("DECIMAL_WITHOUT_SCALE");
