/** Definitions with a column of every type, for the page and for its server. */
import {
  boolean,
  bytes,
  count,
  date,
  decimal,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  json,
  latest,
  max,
  pushSource,
  string,
  sum,
  timestamp,
} from "@tidemark/core";

const meter = entity("meter", { keys: { meter_id: int64() } });

export const readings = pushSource("readings", {
  columns: {
    id: int64(),
    meter_id: int64(),
    text: string().nullable(),
    flag: boolean().nullable(),
    large: int64().nullable(),
    small: int64({ mode: "number" }).nullable(),
    real: float64().nullable(),
    exact: decimal({ precision: 20, scale: 4 }).nullable(),
    when: timestamp().nullable(),
    when_micros: timestamp({ mode: "micros" }).nullable(),
    day: date().nullable(),
    raw: bytes().nullable(),
    extra: json<{ readonly list: readonly number[] }>().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

export const last = featureView("last_reading", {
  entity: meter,
  source: readings,
  features: {
    text: latest(readings.text),
    flag: latest(readings.flag),
    large: latest(readings.large),
    small: latest(readings.small),
    real: latest(readings.real),
    exact: latest(readings.exact),
    when: latest(readings.when),
    when_micros: latest(readings.when_micros),
    day: latest(readings.day),
    raw: latest(readings.raw),
    extra: latest(readings.extra),
  },
});

export const weekly = featureView("weekly", {
  entity: meter,
  source: readings,
  features: {
    readings_7d: count().over("7d"),
    exact_7d: sum(readings.exact).over("7d"),
    largest_7d: max(readings.large).over("7d"),
  },
});

export const billing = featureService("billing", [weekly, last]);
