/**
 * Defines a lookup of every column of every row by primary key. The real demo compares it with
 * PostgreSQL's tables.
 */
import { entity, featureView, int64, latest } from "@tidemark/core";
import { customers, transactions, user } from "./features.ts";

const transaction = entity("transaction", { keys: { id: int64() } });

export const transactionRow = featureView("transaction_row", {
  entity: transaction,
  source: transactions,
  features: {
    user_id: latest(transactions.user_id),
    vendor: latest(transactions.vendor),
    channel: latest(transactions.channel),
    amount: latest(transactions.amount),
    time: latest(transactions.time),
  },
});

export const customerRow = featureView("customer_row", {
  entity: user,
  source: customers,
  features: {
    name: latest(customers.name),
    gender: latest(customers.gender),
    birth_date: latest(customers.birth_date),
    address: latest(customers.address),
    segment: latest(customers.segment),
    created: latest(customers.created),
  },
});
