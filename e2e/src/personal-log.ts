/** A log of payments and profiles of several people, and the values that are one person's alone. */
import {
  count,
  countDistinct,
  decimal,
  entity,
  featureView,
  int64,
  bytes,
  max,
  min,
  pushSource,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { bytesForms, type Needles, numberForms, textForms } from "./stored-bytes.ts";

export const person = entity("person", { keys: { tenant: string(), person_id: int64() } });
const shop = entity("shop", { keys: { shop: string() } });

export const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    tenant: string().nullable(),
    person_id: int64().nullable(),
    shop: string().nullable(),
    note: string().nullable(),
    amount: decimal({ precision: 20, scale: 2 }).nullable(),
    photo: bytes().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
/** The primary key is the key of the entity. */
const profiles = source("profiles", {
  table: "public.profiles",
  columns: {
    tenant: string(),
    person_id: int64(),
    city: string().nullable(),
    changed: timestamp(),
  },
  primaryKey: ["tenant", "person_id"],
  eventTime: "changed",
});
export const logins = pushSource("logins", {
  columns: {
    id: int64(),
    tenant: string(),
    person_id: int64(),
    device: string().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

export const spending = featureView("spending", {
  entity: person,
  source: payments,
  features: {
    num: count().over("30d"),
    total: sum(payments.amount).over("30d"),
    last_note: max(payments.note).over("30d"),
  },
});
export const sales = featureView("sales", {
  entity: shop,
  source: payments,
  features: { sold: count().over("30d"), notes: countDistinct(payments.note).over("30d") },
});
export const profile = featureView("profile", {
  entity: person,
  source: profiles,
  features: { city: min(profiles.city).over("60d") },
});
export const devices = featureView("devices", {
  entity: person,
  source: logins,
  features: { logins: count().over("30d"), device: max(logins.device).over("30d") },
});

export const personalDefinitions = { person, shop, spending, sales, profile, devices };

/** The person who is erased, and one who stays. */
export const ERASED = { tenant: "Zwillingsbank-77", person_id: 8_123_456_789_012_345n };
export const OTHER = { tenant: "Nordbank-12", person_id: 7_000_000_000_000_001n };
const TIME = Date.UTC(2026, 0, 20, 12) * 1000;
const MINUTE = 60_000_000;
export const at = (minutes: number): Date => new Date((TIME + minutes * MINUTE) / 1000);

const AMOUNT = "98765432109.17";
const FORMER_AMOUNT = "87654321098.26";
const PHOTO = Buffer.from("quixotic photo of 4711 ÿ\u0001\u0002", "latin1");
const NOTE = "Herzlichst, Zarathustra Quibble";
const FORMER_NOTE = "Miete an Frau Quibble";
const EMAIL = "z.quibble@zwilling.example";
const CITY = "Quedlinburg-Suderode";
const DEVICE = "Zarathustras Telefon";
const UNREADABLE = "achtzig Quibbletaler";

/** What no file may hold after the erasure. */
export const PERSONAL: Needles = new Map([
  ["tenant", textForms(ERASED.tenant)],
  ["person id", numberForms(String(ERASED.person_id))],
  ["amount", numberForms(AMOUNT)],
  ["former amount", numberForms(FORMER_AMOUNT)],
  ["photo", bytesForms(PHOTO)],
  ["note", textForms(NOTE)],
  ["former note", textForms(FORMER_NOTE)],
  ["undeclared column", textForms(EMAIL)],
  ["city", textForms(CITY)],
  ["device", textForms(DEVICE)],
  ["unreadable value", textForms(UNREADABLE)],
]);

/** What stays. */
export const OTHERS: Needles = new Map([
  ["other tenant", textForms(OTHER.tenant)],
  ["other note", textForms("Gruss an alle")],
]);

type Row = Readonly<Record<string, unknown>>;

/** Messages of Debezium, as a recorded topic holds them. */
export class PersonalLog {
  readonly lines: string[] = [];
  #committed: number;
  readonly #offsets = new Map<string, number>();

  /** `committed`: the time before the first commit, µs. */
  constructor(committed: number = TIME) {
    this.#committed = committed;
  }

  /** Sets the offset of the next message of a table. */
  offsetOf(table: string, offset: number): void {
    this.#offsets.set(`bank.public.${table}`, offset);
  }

  message(
    table: string,
    op: "c" | "u" | "d",
    key: unknown,
    row: Row | string | null,
    headers: Readonly<Record<string, string>> = {},
  ): this {
    const topic = `bank.public.${table}`;
    const offset = this.#offsets.get(topic) ?? 0;
    this.#offsets.set(topic, offset + 1);
    this.#committed += MINUTE;
    const value = JSON.stringify({
      before: op === "d" ? row : null,
      after: op === "d" ? null : row,
      source: { schema: "public", table, lsn: 1_000 + this.lines.length, ts_us: this.#committed },
      op,
    });
    this.lines.push(
      JSON.stringify({
        topic,
        partition: 0,
        offset: String(offset),
        timestamp: String(this.#committed / 1000),
        key: typeof key === "string" ? key : JSON.stringify(key),
        value: typeof row === "string" ? row : value,
        headers,
      }),
    );
    return this;
  }

  paid(id: number, row: Row, op: "c" | "u" = "c"): this {
    return this.message("payments", op, { id }, paymentOf(id, row));
  }
}

function paymentOf(id: unknown, row: Row): Row {
  return {
    id,
    tenant: OTHER.tenant,
    person_id: Number(OTHER.person_id),
    shop: `shop-${Number(id) % 3}`,
    note: "Gruss an alle",
    amount: "1.00",
    photo: null,
    email: "other@example.org",
    time: TIME - MINUTE,
    ...row,
  };
}

const own = { tenant: ERASED.tenant, person_id: Number(ERASED.person_id), email: EMAIL };

/** The log up to the erasure. */
export function personalLog(): PersonalLog {
  const log = new PersonalLog();
  for (let id = 1; id <= 30; id++) log.paid(id, {});
  return (
    log
      // text, number, bytes and an undeclared column; former values of updated and deleted rows
      .paid(101, { ...own, note: FORMER_NOTE, amount: FORMER_AMOUNT })
      .paid(101, { ...own, note: NOTE, amount: AMOUNT, photo: PHOTO.toString("base64") }, "u")
      .paid(102, { ...own, note: FORMER_NOTE })
      .message("payments", "d", { id: 102 }, paymentOf(102, { ...own, note: FORMER_NOTE }))
      // a row that moves from another person to this one and back
      .paid(103, {})
      .paid(103, { ...own, note: NOTE }, "u")
      .paid(103, { note: "Gruss an alle" }, "u")
      // another primary key
      .paid(104, { ...own, note: NOTE })
      .message("payments", "u", { id: 105 }, paymentOf(105, { ...own, note: NOTE }), {
        "__debezium.oldkey": JSON.stringify({ id: 104 }),
      })
      // in quarantine: no event time, a value that cannot be read, content that cannot be read
      .paid(106, { ...own, note: NOTE, time: null })
      .paid(107, { ...own, amount: UNREADABLE })
      .paid(108, { ...own, note: NOTE })
      .message("payments", "u", { id: 108 }, `{"before":null,"after":{"note":"${NOTE}`)
      // a delete whose message alone says the person, of a row of another person and of no row
      .message("payments", "d", { id: 109 }, paymentOf(109, { ...own, note: NOTE }))
      .paid(110, {})
      .message("payments", "d", { id: 110 }, paymentOf(110, { ...own, note: NOTE }))
      // no readable primary key, but a readable person
      .message("payments", "c", { id: "x" }, paymentOf("x", { ...own, note: NOTE }))
      .message("profiles", "c", profileKey(own), { ...profileKey(own), city: CITY, changed: TIME })
      // the person had another key before
      .message("profiles", "c", former, { ...former, city: "Aachen", changed: TIME })
      .message(
        "profiles",
        "u",
        profileKey(own),
        { ...profileKey(own), city: CITY, changed: TIME },
        { "__debezium.oldkey": JSON.stringify(former) },
      )
      // and moves on to another key
      .message("profiles", "c", profileKey(own), {
        ...profileKey(own),
        city: CITY,
        changed: TIME + MINUTE,
      })
      .message(
        "profiles",
        "u",
        later,
        { ...later, city: "Aachen", changed: TIME + 2 * MINUTE },
        { "__debezium.oldkey": JSON.stringify(profileKey(own)) },
      )
      .message("profiles", "c", profileKey(own), {
        ...profileKey(own),
        city: CITY,
        changed: TIME + 3 * MINUTE,
      })
      .paid(31, {})
  );
}

const former: Row = { tenant: OTHER.tenant, person_id: 55 };
const later: Row = { tenant: OTHER.tenant, person_id: 56 };

function profileKey({ tenant, person_id }: typeof own): Row {
  return { tenant, person_id };
}

export const LOGINS = [
  { id: 1, ...ERASED, device: DEVICE, time: at(-3) },
  { id: 2, ...OTHER, device: "phone", time: at(-2) },
  { id: 3, ...ERASED, device: DEVICE, time: at(-1) },
];
