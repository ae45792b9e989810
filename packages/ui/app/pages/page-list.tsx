/** The pages of the console, in the order of the navigation. */
import type { FunctionComponent } from "preact";
import type { Route } from "../routing/router.ts";
import { ChangesPage } from "./changes/changes-page.tsx";
import { ChecksPage } from "./checks/checks-page.tsx";
import { DefinitionsPage } from "./definitions/definitions-page.tsx";
import { ExplainPage } from "./explain/explain-page.tsx";
import { FeaturePage } from "./feature/feature-page.tsx";
import { GraphPage } from "./graph/graph-page.tsx";
import { HomePage } from "./home/home-page.tsx";
import { PlaygroundPage } from "./playground/playground-page.tsx";
import { SkewPage } from "./skew/skew-page.tsx";
import { SourcesPage } from "./sources/sources-page.tsx";
import { StoresPage } from "./stores/stores-page.tsx";
import { TrainingPage } from "./training/training-page.tsx";
import { TimePage } from "./time/time-page.tsx";

/** A page of the console. */
export interface Page {
  /** The first part of its path. */
  readonly name: string;
  readonly title: string;
  /** What the page is for, in the command palette. */
  readonly about: string;
  /** The heading of the navigation under which it stands; null: no link leads to it there. */
  readonly group: "Look" | "Ask" | "Operate" | null;
  readonly component: FunctionComponent<{ readonly route: Route }>;
}

export const pages: readonly Page[] = [
  {
    name: "",
    title: "Home",
    about: "Ready or not, lag, freshness, what needs you",
    group: "Look",
    component: HomePage,
  },
  {
    name: "definitions",
    title: "Catalogue",
    about: "Sources, entities, views and services",
    group: "Look",
    component: DefinitionsPage,
  },
  {
    name: "feature",
    title: "Feature",
    about: "One feature: window, profile, drift, use",
    group: null,
    component: FeaturePage,
  },
  {
    name: "graph",
    title: "Graph",
    about: "Tables, sources, views and services as they depend",
    group: "Look",
    component: GraphPage,
  },
  {
    name: "explain",
    title: "Explain",
    about: "Why a number is so: the rows inside and outside its window",
    group: "Ask",
    component: ExplainPage,
  },
  {
    name: "time",
    title: "Time machine",
    about: "Every feature of a service as it moves over time",
    group: "Ask",
    component: TimePage,
  },
  {
    name: "playground",
    title: "Playground",
    about: "Ask a service, and take the request as code",
    group: "Ask",
    component: PlaygroundPage,
  },
  {
    name: "sources",
    title: "Sources",
    about: "What each source has taken, its lag and its quarantine",
    group: "Operate",
    component: SourcesPage,
  },
  {
    name: "checks",
    title: "Checks",
    about: "Expectations of rows and features, and drift",
    group: "Operate",
    component: ChecksPage,
  },
  {
    name: "stores",
    title: "Stores",
    about: "Size, tables, entities with many rows, and advice",
    group: "Operate",
    component: StoresPage,
  },
  {
    name: "changes",
    title: "Changes",
    about: "What an apply would change, who applied what, and the audit",
    group: "Operate",
    component: ChangesPage,
  },
  {
    name: "skew",
    title: "Skew",
    about: "Logged answers, computed again: the bits that differ",
    group: "Operate",
    component: SkewPage,
  },
  {
    name: "training",
    title: "Training sets and days",
    about: "Jobs and their progress, materialized views, columns, null rates",
    group: "Operate",
    component: TrainingPage,
  },
];
