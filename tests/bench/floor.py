"""Tables like the real ones, with the same columns, indexes and room to change: what the finished rows cost without anything that makes them."""
from service import psql

# Each with the column that names the deal: "d" and a number.
TABLES = {"event": "object_id", "object": "object_id", "deal_fact_of": "deal_id", "open_span": "deal_id"}

OPTIONS = "SELECT string_agg(format('ALTER TABLE floor.%I SET (%s)', relname, array_to_string(reloptions, ', ')), ';') " \
          f"FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname IN {tuple(TABLES)} AND reloptions IS NOT NULL"


def rows(table, deals):
    """The query of the rows of the first so many deals."""
    name = TABLES[table]
    kind = "AND kind = 'opportunity'" if name == "object_id" else ""
    return f"SELECT * FROM public.{table} WHERE org_id = 1 {kind} AND substr({name}, 2)::int < {deals}"


def make(url):
    """They are in the schema floor, empty."""
    psql(url, "DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor")
    for table in TABLES:
        psql(url, f"CREATE TABLE floor.{table} (LIKE public.{table} INCLUDING ALL)")
    psql(url, psql(url, OPTIONS))


def fill(url, deals):
    """With the rows of the first so many deals."""
    for table in TABLES:
        psql(url, f"INSERT INTO floor.{table} {rows(table, deals)}")
        psql(url, f"VACUUM ANALYZE floor.{table}")


def drop(url):
    psql(url, "DROP SCHEMA floor CASCADE")
