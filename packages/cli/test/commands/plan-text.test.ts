import type { RegistryPlan } from "@tidemark/core";
import { expect, test } from "vitest";
import { planLines } from "../../src/commands/plan-text.ts";

test("a plan says which sources the online store keeps whole, and what they take", () => {
  const plan: RegistryPlan = {
    namespace: "bank",
    applied: null,
    changes: [],
    runtime: [],
    reusedVersions: [],
    metadata: [],
    lowered: [],
    waiting: [],
    work: [],
    materialized: [],
    kept: [
      { source: "payments", features: ["user.ever", "user.last"], rows: 120_000, bytes: 34.12e6 },
      { source: "logins", features: ["access.first_seen"], rows: 0, bytes: null },
    ],
  };
  expect(planLines(plan).slice(1)).toEqual([
    "online store: every row of payments is kept for ever, for user.ever, user.last",
    "    about 120,000 changes so far, about 34 MB",
    "online store: every row of logins is kept for ever, for access.first_seen",
    "    the bytes are not known: the history has no row yet",
  ]);
});

test("a plan names what this Node has otherwise, and a transform with other code", () => {
  const plan: RegistryPlan = {
    namespace: "bank",
    applied: null,
    changes: [],
    runtime: [
      {
        zone: "Europe/Zurich",
        applied: "2025b",
        here: "2026c",
        usedBy: ["source payments", "feature spending.at_night"],
      },
      { zone: null, applied: "16.0", here: "17.0", usedBy: ["feature spending.coffees"] },
    ],
    reusedVersions: [
      { transform: "score", version: 2, applied: { at: "2026-01-04T00:00:00.000Z", by: "ann" } },
    ],
    metadata: [{ kind: "feature", name: "weekly.total", details: ["owner: growth → fraud"] }],
    lowered: [
      { feature: "weekly.total", sensitivity: "internal", from: "pii", reads: ["payments.amount"] },
    ],
    waiting: [],
    work: [],
    materialized: [],
    kept: [],
  };
  expect(planLines(plan).slice(1)).toEqual([
    "~ metadata of feature weekly.total, which changes no answer",
    "    owner: growth → fraud",
    "! feature weekly.total is internal, and reads payments.amount: pii",
    "! transform score: other code than version 2, applied by ann at 2026-01-04T00:00:00.000Z",
    "    TRANSFORM_CHANGED: apply refuses it until its version is raised",
    "~ time zone Europe/Zurich: other rules in tzdata 2026c than in tzdata 2025b",
    "    answers of source payments, feature spending.at_night may change; " +
      "other processes need this Node too",
    "    stored times of source payments stay as they were read",
    "~ letter case: of Unicode 17.0, no longer of Unicode 16.0",
    "    answers of feature spending.coffees may change; other processes need this Node too",
  ]);
});
