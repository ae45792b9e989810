/** The views of the benchmarks of training sets. */
import { featureView, latest } from "@tidemark/core";
import { transactions, user, weekly } from "@tidemark/testkit/bank/definitions";

/** The amount of the newest transaction. */
const newest = featureView("newest_transaction", {
  entity: user,
  source: transactions,
  features: { amount: latest(transactions.amount) },
});

export const benchViews = { weekly, newest };
