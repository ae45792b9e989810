/** Python reads the tables of profiles and drift, and pandas finds the same statistics. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { float64, int64, openStore, pushSource, string, timestamp } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { Random } from "@tidemark/testkit/generate/random";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { pythonReaders } from "@tidemark/testkit/needs";
import { suiteNeeding } from "@tidemark/testkit/suite-needing";
import { expect, onTestFinished, test } from "vitest";

const python = pythonReaders();
const { first: seed } = seedsFromEnvironment({ runs: 1 });

const payments = pushSource("payments", {
  columns: {
    id: int64({ mode: "number" }),
    vendor: string().nullable(),
    amount: float64().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

const SCRIPT = `
import json, sys
import pandas as pd
from deltalake import DeltaTable

lake = sys.argv[1]
rows = DeltaTable(lake + "/payments/versions").to_pandas()
rows = rows[rows["_known_to"].isna() & ~rows["_deleted"] & rows["_quarantine"].isna()]
rows["day"] = pd.to_datetime(rows["time"], unit="us").dt.strftime("%Y-%m-%d")
profiles = DeltaTable(lake + "/payments/profiles").to_pandas().set_index(["day", "column_name"])
compared = 0
for day, of_day in rows.groupby("day"):
    for column in ["vendor", "amount"]:
        values, found = of_day[column], profiles.loc[(day, column)]
        assert found["row_count"] == len(values), (day, column)
        assert found["null_count"] == values.isna().sum(), (day, column)
        assert found["distinct_count"] == values.nunique(), (day, column)
        if column == "vendor":
            counts = values.value_counts()
            first = json.loads(found["frequent"])[0]
            assert counts.iloc[0] == first["rows"] == counts[first["value"]], day
            continue
        for name, expected in [
            ("min_value", values.min()), ("max_value", values.max()),
            ("mean_value", values.mean()), ("stddev_value", values.std()),
            ("p05", values.quantile(0.05)), ("p50", values.median()),
            ("p99", values.quantile(0.99)),
        ]:
            assert abs(found[name] - expected) <= 1e-9 * max(1, abs(expected)), (day, name)
            compared += 1
        assert sum(json.loads(found["histogram"])["counts"]) == values.notna().sum()
drift = DeltaTable(lake + "/payments/drift").to_pandas()
print(json.dumps([compared, len(profiles), sorted(drift["measure"].unique())]))
`;

suiteNeeding(python, "Python reads profiles", () => {
  test("of rows that were replaced, moved to other days and deleted", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidemark-profiles-"));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const random = new Random(seed);
    const store = await openStore({
      definitions: { payments },
      offline: deltaOfflineStore(localObjects(join(folder, "lake"))),
      clock: () => new Date("2026-03-10T00:00:00Z"),
    });
    const row = (id: number) => ({
      id,
      vendor: random.chance(0.1) ? null : random.pick(["Food", "Sport", "Travel", "日本"]),
      amount: random.chance(0.1) ? null : random.fraction() * 100,
      time: new Date(Date.UTC(2026, 2, 1 + random.int(6), random.int(24))),
    });
    const ids = Array.from({ length: 800 }, (_, id) => id);
    await store.push(payments, ids.map(row));
    await store.profile({ source: payments });
    await store.push(payments, ids.filter(() => random.chance(0.2)).map(row), {
      deletes: [{ id: 5 }, { id: 700 }],
    });
    await store.compact();
    const { days } = await store.profile({ source: payments });
    await store.drift({ source: payments, from: "2026-03-04", reference: { to: "2026-03-04" } });
    await store.close();
    const printed = execFileSync(python.path, ["-c", SCRIPT, join(folder, "lake")], {
      encoding: "utf8",
    });
    expect(JSON.parse(printed), `seed ${seed}`).toEqual([
      days.length * 7,
      days.length * 4,
      ["jensenShannon", "ks", "nullRate", "psi", "wasserstein"],
    ]);
  });
});
