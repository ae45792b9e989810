/**
 * Records each change of a table in the table `history`, by a trigger, with the row as the table
 * held it then. SQL over `history` says what the log has said, whatever the definitions are.
 */
import type pg from "pg";

/** The table `history`, and the trigger function that fills it. */
export const HISTORY_SQL = `
CREATE TABLE public.history (seq bigserial PRIMARY KEY, op text, id bigint, image jsonb);
CREATE FUNCTION public.record_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.history (op, id, image)
    VALUES (TG_OP, coalesce(NEW.id, OLD.id), to_jsonb(NEW));
  RETURN NULL;
END $$;
`;

/** The statement that records the changes of a table from now on. */
export const recordChanges = (table: string): string =>
  `CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON ${table}
     FOR EACH ROW EXECUTE FUNCTION public.record_change();`;

/** The rows as the log said them last: `id` and `image`. */
const LOGGED_ROWS = `(
  SELECT id, image FROM (
    SELECT DISTINCT ON (id) id, op, image FROM public.history ORDER BY id, seq DESC
  ) newest WHERE op <> 'DELETE')`;

/** What the rows of a table are taken from: the log's images, or the table itself. */
export type RowsOf = "log" | { readonly table: string };

/** An SQL expression over `image` for each feature, such as `count(*)::text`. */
export type FeatureSql = Readonly<Record<string, string>>;

/**
 * Computes features by user over the rows whose time is in the window that ends at `asOf`. Every
 * value is text.
 */
export async function featuresBySql(
  database: pg.Client,
  features: FeatureSql,
  { from, asOf, days }: { readonly from: RowsOf; readonly asOf: Date; readonly days: number },
): Promise<Map<string, Readonly<Record<string, string | null>>>> {
  const rows =
    from === "log" ? LOGGED_ROWS : `(SELECT id, to_jsonb(t) AS image FROM ${from.table} t)`;
  const columns = Object.entries(features).map(([name, sql]) => `${sql} AS "${name}"`);
  const result = await database.query<Record<string, string | null>>(
    `SELECT image->>'user_id' AS "user", ${columns.join(", ")} FROM ${rows} logged
     WHERE (image->>'at')::timestamptz < $1
       AND (image->>'at')::timestamptz >= $1::timestamptz - interval '${days} days'
     GROUP BY 1`,
    [asOf.toISOString()],
  );
  return new Map(result.rows.map(({ user, ...values }) => [user!, values]));
}
