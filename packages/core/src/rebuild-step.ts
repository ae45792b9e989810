/**
 * The next step where an online store cannot be read. The old store stays: it may hold pushes, or
 * rows that the topics have lost.
 */
export const REBUILD_STEP: string =
  "begin with a new online store, and keep the old one until the new one is filled: " +
  "from the history with tidemark backfill (store.backfill), or from topics that hold every change";
