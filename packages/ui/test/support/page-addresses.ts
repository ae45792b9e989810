/** The pages that tests and pictures show, with the address of each for the bank. */
import { USER } from "./bank.ts";

/** A page of the console. */
export interface ShownPage {
  /** The name of its picture. */
  readonly name: string;
  readonly path: string;
  /** A text that is there once the page has its data. */
  readonly ready: string;
}

const ASKED = `key.user_id=${USER}&asOf=2025-06-09T12:00:00Z`;
/** A user and a time of which something was corrected later. */
const CORRECTED = "key.user_id=user_000009&asOf=2025-06-03T12:00:00Z";

export const shownPages: readonly ShownPage[] = [
  { name: "home", path: "", ready: "1,014" },
  { name: "catalogue", path: "definitions", ready: "weekly_activity:num_vendors_l1w" },
  { name: "view", path: "definitions/view/weekly_activity", ready: "7 features" },
  { name: "service", path: "definitions/service/customer_360", ready: "churn-model" },
  { name: "source", path: "definitions/source/transactions", ready: "from a change log" },
  { name: "entity", path: "definitions/entity/user", ready: "customer-data" },
  { name: "feature", path: "feature/weekly_activity/total_amount_l1w", ready: "Histogram" },
  {
    name: "explain",
    path: `explain/weekly_activity/total_amount_l1w?${CORRECTED}`,
    ready: "rows count",
  },
  {
    name: "time-machine",
    path: `time?service=weekly_activity&key.user_id=${USER}&begin=2025-06-02&end=2025-06-10`,
    ready: "Time of the request",
  },
  { name: "graph", path: "graph", ready: "payment_check" },
  { name: "graph-focus", path: "graph?focus=view spending&depth=1", ready: "Open view spending" },
  {
    name: "playground",
    path: `playground?service=customer_360&${ASKED}`,
    ready: "amount_by_vendor_l1w",
  },
  { name: "sources", path: "sources", ready: "customers" },
  { name: "changes", path: "changes", ready: "the console's test" },
  { name: "checks", path: "checks", ready: "Jensen–Shannon" },
  { name: "stores", path: "stores", ready: "transactions/changes" },
  { name: "training-sets", path: "training?view=weekly_activity", ready: "num_transactions_l1w" },
  {
    name: "skew",
    path: "skew?check=1&from=2025-06-10T00:00:00Z&to=2025-06-12T00:00:00Z",
    ready: "Answers from",
  },
  { name: "training-sets", path: "training?view=weekly_activity", ready: "num_vendors_l1w" },
  { name: "one-source", path: "sources/transactions", ready: "bank.public.transaction_data:0" },
];
