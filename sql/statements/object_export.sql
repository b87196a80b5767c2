-- GET /v1/{kind} as CSV or NDJSON: $1 org_id, $2 kind, $3 request (query: cursor, limit, include_deleted), $4 the kind's attributes in
-- their order. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
-- Without limit all rows come, one by one; with it they are a page.
WITH asked AS MATERIALIZED (
  SELECT pl.object_columns($1::int, $2::object_kind, $3::jsonb, $4::text[]) AS columns,
         pl.reps_seen($1::int, $3::jsonb -> 'who') AS reps, pl.teams_seen($1::int, $3::jsonb -> 'who') AS teams,
         coalesce(pl.cursor_decode($3::jsonb #>> '{query,cursor}'), '') COLLATE "C" AS after,
         coalesce($3::jsonb #>> '{query,include_deleted}' = 'true', false) AS gone
   WHERE $3::jsonb #> '{query,limit}' IS NULL
)
SELECT pl.line_head(a.columns), NULL::text FROM asked AS a
UNION ALL
(SELECT pl.line_of(pl.object_json(x.o), (SELECT a.columns FROM asked AS a)), NULL
   FROM (SELECT o -- in order before lines are made of them: the first goes out while the others wait
           FROM public.object AS o
          WHERE o.org_id = $1::int AND o.kind = $2::object_kind AND o.object_id > (SELECT a.after FROM asked AS a)
            AND (o.deleted_at IS NULL OR (SELECT a.gone FROM asked AS a))
            AND ((SELECT a.reps FROM asked AS a) IS NULL
                 OR pl.seen($1::int, $2::object_kind, o.object_id, o.doc, (SELECT a.reps FROM asked AS a), (SELECT a.teams FROM asked AS a)))
          ORDER BY o.object_id
         OFFSET 0) AS x)
UNION ALL
SELECT l.piece, l.next
  FROM pl.list_lines('object_list', $1::int, $3::jsonb, pl.object_columns($1::int, $2::object_kind, $3::jsonb, $4::text[]), $2::object_kind) AS l
 WHERE $3::jsonb #> '{query,limit}' IS NOT NULL;
