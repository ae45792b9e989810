/** The reason why a value cannot be read. A reader gives it in place of a value. */
export class Failure {
  readonly reason: string;
  /** What the value looks like, and the setting that helps; undefined: the reason says it. */
  readonly message: string | undefined;

  constructor(reason: string, message?: string) {
    this.reason = reason;
    this.message = message;
  }
}

/** A value that a setting would make readable, such as a time whose unit nothing says. */
export class UnclearValue extends Failure {}

/** A float or a decimal that is NaN or infinite (law 9: the value is missing and counted). */
export const NON_FINITE: Failure = new Failure("NON_FINITE");
/** A decimal in base64 whose scale nothing gives (law 9: the source stops by name). */
export const WITHOUT_SCALE: Failure = new Failure("DECIMAL_WITHOUT_SCALE");
