/** Definitions whose entity has keys of every type that a text may lose digits of. */
import {
  boolean,
  bytes,
  count,
  date,
  decimal,
  entity,
  featureView,
  int32,
  int64,
  pushSource,
  string,
  timestamp,
} from "@tidemark/core";

const keys = {
  price: decimal({ precision: 20, scale: 4 }),
  opened: timestamp(),
  day: date(),
  number: int64(),
  size: int32(),
  isOpen: boolean(),
  code: bytes(),
} as const;

export const visits = pushSource("visits", {
  columns: { id: int64(), at: timestamp(), note: string(), ...keys },
  primaryKey: ["id"],
  eventTime: "at",
});

export const visited = featureView("visited", {
  entity: entity("visit", { keys }),
  source: visits,
  features: { times: count().over("7d") },
});
