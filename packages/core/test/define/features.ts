/** The bank of the testkit, with a service of two features. */
import { featureService } from "@tidemark/core";
import { weekly } from "@tidemark/testkit/bank/definitions";

export { transactions, user, weekly } from "@tidemark/testkit/bank/definitions";

export const fraud = featureService("fraud_v1", [
  weekly.num_transactions_l1w,
  weekly.total_amount_l1w,
]);
