/** The reason why a value cannot be read. A reader gives it in place of a value. */
export class Failure {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A float or a decimal that is NaN or infinite (law 9: the value is missing and counted). */
export const NON_FINITE: Failure = new Failure("NON_FINITE");
/** A decimal in base64 whose scale nothing gives (law 9: the source stops by name). */
export const WITHOUT_SCALE: Failure = new Failure("DECIMAL_WITHOUT_SCALE");
