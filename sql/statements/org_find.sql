-- The organisation called $1 slug. Columns: org_id, name.
SELECT org_id, name FROM pl.org_list() WHERE slug = $1::text;
