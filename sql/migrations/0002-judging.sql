-- What judging needs beyond the foundation: the ways from a changed account to the few rows it changes, and the times explain shows.

ALTER TABLE account_version ADD COLUMN times jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN account_version.times IS 'attribute → when its value here was set (for a back-cast one: when it was first known)';

ALTER TABLE deal_fact ADD COLUMN created_account text COLLATE "C";
COMMENT ON COLUMN deal_fact.created_account IS 'the account in force at created_at';

-- Few deals ever change their account, so these stay tiny and plain writes do not touch them.
CREATE INDEX deal_fact_created_account ON deal_fact (org_id, created_account) WHERE created_account IS DISTINCT FROM account_id;
CREATE INDEX deal_fact_closed_account ON deal_fact (org_id, closed_account) WHERE closed_account IS DISTINCT FROM account_id;
CREATE INDEX object_merged ON object (org_id, kind, merged_into) WHERE merged_into IS NOT NULL;

-- The earliest priced deal names the reporting currency (METRICS R19): ties in time are decided by id without a sort.
DROP INDEX deal_fact_created;
CREATE INDEX deal_fact_created ON deal_fact (org_id, created_at, deal_id);
-- Deals that left the facts: few, and asked for when a past stock is taken.
CREATE INDEX object_gone ON object (org_id, kind, object_id) WHERE deleted_at IS NOT NULL OR doc -> 'attributes' ? 'is_test';
