-- All organisations in the order of their ids. Columns: org_id, slug, name, created_at.
SELECT org_id, slug, name, pl.iso(created_at) FROM pl.org_list() ORDER BY org_id;
