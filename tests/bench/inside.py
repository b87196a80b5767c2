"""What a write costs inside: CPU of the server and of PostgreSQL, WAL, and the room that deals take."""
from data import written_to
from service import psql

DEALS = "WHERE org_id = 1"


def position(service):
    return int(psql(service.url, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").split(".")[0])


def sizes(service, table, where):
    """Bytes a row: of the table, and of its indexes."""
    rows = int(psql(service.url, f"SELECT count(*) FROM {table} {where}"))
    heap, indexes = psql(service.url, f"SELECT pg_table_size('{table}'), pg_indexes_size('{table}')").split("|")
    return int(heap) / max(rows, 1), int(indexes) / max(rows, 1)


def measure(service, options):
    psql(service.url, "CHECKPOINT")
    wal, (server, backends) = position(service), service.cpu_seconds()
    got = service.write(64, options.seconds, written_to(options))
    written, (server_after, backends_after) = position(service) - wal, service.cpu_seconds()
    yield {"what": "WAL a single write, 64 connections, full pages after a checkpoint included", "unit": "bytes", "ours": written / got["requests"]}
    yield {"what": "CPU of the server a single write, 64 connections", "unit": "µs", "ours": (server_after - server) / got["requests"] * 1e6}
    yield {"what": "CPU of PostgreSQL a single write, 64 connections", "unit": "µs", "ours": (backends_after - backends) / got["requests"] * 1e6}
    for table, where in (("event", f"{DEALS} AND kind = 'opportunity'"), ("object", f"{DEALS} AND kind = 'opportunity'"), ("deal_fact_of", DEALS)):
        heap, indexes = sizes(service, table, where)
        yield {"what": f"size of {table} a row: table", "unit": "bytes", "ours": heap}
        yield {"what": f"size of {table} a row: indexes", "unit": "bytes", "ours": indexes}
