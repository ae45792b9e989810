/**
 * Defines the views of the pipeline's tests over the tables of the bank and of the fixtures. One
 * view looks up every column of a row by primary key.
 */
import {
  avg,
  boolean,
  bytes,
  commitTime,
  count,
  countDistinct,
  date,
  decimal,
  entity,
  featureView,
  float64,
  int32,
  int64,
  json,
  latest,
  max,
  min,
  source,
  string,
  sum,
  timestamp,
  type Selection,
} from "@tidemark/core";
import {
  cards,
  holder,
  identity,
  transactionColumns,
  user,
  weeklyFeatures,
} from "@tidemark/testkit/bank/definitions";
import { specOfSource, type ColumnSpec, type SourceSpec } from "@tidemark/core/spi";
import { specOfView } from "@tidemark/core/internal";

/** A selection of features, whatever its row type. */
export type UntypedSelection = Selection<
  Readonly<Record<string, unknown>>,
  Readonly<Record<string, unknown>>
>;
export type CheckedViewSpec = ReturnType<typeof specOfView>;

/** The definitions of some tables, and the views that the check reads. */
export interface CheckedDefinitions {
  readonly definitions: Readonly<Record<string, unknown>>;
  readonly sources: readonly CheckedSource[];
  /** The views over a user. */
  readonly views: readonly { readonly view: UntypedSelection; readonly spec: CheckedViewSpec }[];
}

export interface CheckedSource {
  readonly spec: SourceSpec;
  /** A lookup of every column of the row with this primary key, as `is_<column>`. */
  readonly row: UntypedSelection;
  /** The number of rows with this primary key over all event times; null for a dimension. */
  readonly rows: UntypedSelection | null;
}

/** The bank's transactions with every column of the table, as the lookup of rows needs them. */
const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: { ...transactionColumns, transaction_id: string("Transaction ID").nullable() },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: weeklyFeatures(transactions),
});
const newest = featureView("newest_transaction", {
  entity: user,
  source: transactions,
  features: {
    last_vendor: latest(transactions.vendor),
    last_amount: latest(transactions.amount),
    last_id: latest(transactions.id),
  },
});

/** A key of two columns, exact decimals, and columns that TOAST stores out of line. */
const payments = source("payments", {
  table: "public.payment",
  columns: {
    account: string(),
    number: int32(),
    user_id: string().nullable(),
    amount: decimal({ precision: 12, scale: 2 }).nullable(),
    at: timestamp().nullable(),
    due: date().nullable(),
    settled: boolean().nullable(),
    reference: int64().nullable(),
    note: string().nullable(),
    tags: json().nullable(),
    proof: bytes().nullable(),
    details: json().nullable(),
  },
  primaryKey: ["account", "number"],
  eventTime: "at",
});
const paid = featureView("paid", {
  entity: user,
  source: payments,
  features: {
    num_paid: count().over("7d"),
    total_paid: sum(payments.amount).over("7d"),
    avg_paid: avg(payments.amount).over("7d"),
    min_paid: min(payments.amount).over("7d"),
    max_paid: max(payments.amount).over("7d"),
    num_accounts: countDistinct(payments.account).over("7d"),
    total_reference: sum(payments.reference).over("7d"),
  },
});
const newestPayment = featureView("newest_payment", {
  entity: user,
  source: payments,
  features: {
    last_account: latest(payments.account),
    last_number: latest(payments.number),
    last_paid: latest(payments.amount),
  },
});

const customers = source("customers", {
  table: "public.customer_data",
  columns: {
    user_id: string("id"),
    name: string().nullable(),
    segment: string().nullable(),
    born: date().nullable(),
    created: timestamp().nullable(),
  },
  primaryKey: ["user_id"],
  eventTime: commitTime({ since: "created" }),
});
const customer = featureView("customer", {
  entity: user,
  source: customers,
  features: {
    customer_name: latest(customers.name),
    segment: latest(customers.segment),
    born: latest(customers.born),
  },
});

const notes = source("notes", {
  table: "public.note",
  columns: {
    id: int32(),
    user_id: string().nullable(),
    body: string().nullable(),
    blob_body: bytes().nullable(),
    tags: json().nullable(),
    touched: int32().nullable(),
  },
  primaryKey: ["id"],
  eventTime: commitTime(),
});
const sums = featureView("sums", {
  entity: user,
  source: identity,
  features: {
    exact_total: sum(identity.amount).over("7d"),
    exact_rows: count().over("7d"),
    exact_channels: countDistinct(identity.channel).over("7d"),
  },
});
/** `num_free` has more digits than a decimal holds, so it stays text. */
const everyType = source("every_type", {
  table: "public.all_types",
  columns: {
    id: int32(),
    small: int32().nullable(),
    big: int64().nullable(),
    num_scaled: decimal({ precision: 12, scale: 2 }).nullable(),
    num_free: string().nullable(),
    r: float64().nullable(),
    d: float64().nullable(),
    ok: boolean().nullable(),
    t: string().nullable(),
    vc: string().nullable(),
    by: bytes().nullable(),
    j: json().nullable(),
    u: string().nullable(),
    da: date().nullable(),
    ti: int32().nullable(),
    tiu: int64().nullable(),
    ts3: timestamp({ zone: "UTC" }).nullable(),
    ts6: timestamp({ zone: "UTC" }).nullable(),
    tz: timestamp().nullable(),
    iv: int64().nullable(),
    arr_t: json().nullable(),
    arr_i: json().nullable(),
    e: string().nullable(),
    mo: decimal({ precision: 12, scale: 2 }).nullable(),
  },
  primaryKey: ["id"],
  eventTime: commitTime(),
});

export const bank: CheckedDefinitions = checked(
  [transactions, payments, customers],
  [weekly, newest, paid, newestPayment, customer],
);
export const fixtures: CheckedDefinitions = checked(
  [transactions, cards, notes, identity, everyType],
  [weekly, newest, holder, sums],
);

function checked(sources: readonly object[], views: readonly object[]): CheckedDefinitions {
  const withRows = sources.map((one) => ({ one, spec: specOfSource(one), ...rowViews(one) }));
  return {
    definitions: Object.fromEntries(
      [
        ...sources,
        ...views,
        ...withRows.flatMap(({ row, rows }) => (rows === null ? [row] : [row, rows])),
      ].map((one, i) => [`d${i}`, one]),
    ),
    sources: withRows.map(({ spec, row, rows }) => ({ spec, row, rows })),
    views: views.map((view) => ({ view: view as UntypedSelection, spec: specOfView(view) })),
  };
}

function rowViews(of: object): {
  readonly row: UntypedSelection;
  readonly rows: UntypedSelection | null;
} {
  const spec = specOfSource(of);
  const columns = of as Readonly<Record<string, never>>;
  const keys = Object.fromEntries(
    spec.primaryKey.map((name) => [
      name,
      keyColumn(spec.columns.find((column) => column.name === name)!),
    ]),
  );
  const rowEntity = entity(`${spec.name}_row`, { keys: keys as never });
  const features = Object.fromEntries(
    spec.columns.map(({ name }) => [`is_${name}`, latest(columns[name]!)]),
  );
  const row = featureView(`${spec.name}_row`, {
    entity: rowEntity,
    source: of as never,
    features: features as never,
  }) as unknown as UntypedSelection;
  if (spec.eventTime.kind === "committed") return { row, rows: null };
  return {
    row,
    rows: featureView(`${spec.name}_rows`, {
      entity: rowEntity,
      source: of as never,
      features: { rows: count().over("100000d") } as never,
    }) as unknown as UntypedSelection,
  };
}

function keyColumn({ type }: ColumnSpec): unknown {
  if (type === "string") return string();
  return type === "int64" ? int64() : int32();
}
