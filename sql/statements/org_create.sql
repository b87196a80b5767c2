-- Makes an organisation. $1 slug, $2 name. Column: its org_id. Raises conflict when the slug is taken.
SELECT pl.org_create($1::text, $2::text);
