-- A state is rewritten by nearly every write of its object. PostgreSQL can do so without touching the indexes as long as no column
-- that an index names changes, in its condition too; the whole document was named by one.

ALTER TABLE object ADD COLUMN gone boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN object.gone IS 'deleted, merged, or marked with the attribute is_test (whatever its value): maybe left out of the facts';
UPDATE object SET gone = true WHERE deleted_at IS NOT NULL OR doc -> 'attributes' ? 'is_test';
DROP INDEX object_gone;
-- Deals that left the facts: few, and asked for when a past stock is taken.
CREATE INDEX object_gone ON object (org_id, kind, object_id) WHERE gone;
