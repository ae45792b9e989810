/** Generates the customers of the simulated bank. */
import type { Random } from "./random.ts";

/** A row of public.customer_data, with the names of its columns. */
export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly gender: string;
  /** Days since 1970, as Debezium writes a date. */
  readonly "birth date": number;
  readonly address: string;
  readonly segment: string;
  readonly created: string;
}

const SEGMENTS = ["Basic", "Silver", "Gold", "Private"];
const FIRST_NAMES = {
  female: ["Anna", "Mai", "Zoë", "Ines", "Leila", "Ngọc", "Sofia", "Ruth"],
  male: ["Omar", "Jonas", "Đức", "Luca", "Piotr", "Kofi", "René", "Sven"],
};
const LAST_NAMES = [
  "Meier",
  "Nguyễn",
  "Rossi",
  "Novák",
  "Okafor",
  "Silva",
  "Kowalska",
  "Berg",
  "Trần",
  "Haddad",
];
const STREETS = [
  "Station Road",
  "Mill Lane",
  "Harbour Street",
  "Church Square",
  "Garden Row",
  "High Street",
];
const CITIES = ["Basel", "Hanoi", "Porto", "Leeds", "Accra", "Lyon", "Gdańsk"];

export const userId = (index: number): string => `user_${String(index + 1).padStart(6, "0")}`;

export function newCustomer(index: number, random: Random): Customer {
  const gender = random.pick(["female", "male"] as const);
  const year = 2016 + random.below(9);
  return {
    id: userId(index),
    name: `${random.pick(FIRST_NAMES[gender])} ${random.pick(LAST_NAMES)}`,
    gender,
    "birth date": -7_000 + random.below(19_000),
    address: newAddress(random),
    segment: newSegment(random),
    created:
      `${year}-${twoDigits(1 + random.below(12))}-${twoDigits(1 + random.below(28))}` +
      `T${twoDigits(8 + random.below(10))}:00:00.000000Z`,
  };
}

export const newAddress = (random: Random): string =>
  `${1 + random.below(120)} ${random.pick(STREETS)}, ${random.pick(CITIES)}`;
export const newSegment = (random: Random): string => random.pick(SEGMENTS);
const twoDigits = (number: number): string => String(number).padStart(2, "0");
