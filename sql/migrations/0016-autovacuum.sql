-- Autovacuum for tables that are written all day (docs/operations.md, PostgreSQL): its defaults wait until a fifth of a table is dead or new, which for millions of rows
-- is days of changes cleared away in one go. A twentieth keeps each pass small, dead rows few, and the map of what index-only scans need not look up nearly whole.
ALTER TABLE object SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE deal_fact_of SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE activity_fact_of SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE open_span SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE account_version SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
ALTER TABLE account_fit SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
-- Only ever added to, but for retention: freezing comes in pieces rather than all at once.
ALTER TABLE event SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);
