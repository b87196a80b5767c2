"""A database that was told a company's history, and its answers."""
import datetime
import json

from company_history import iso, told
from harness import BINARY, Database

FEED = """
CREATE FUNCTION test_feed(p_source text, p_received timestamptz, p_items jsonb) RETURNS TABLE (outcome text, code text) LANGUAGE plpgsql AS $$
DECLARE c text[][] := ARRAY(SELECT ARRAY(SELECT i ->> k FROM jsonb_array_elements(p_items) WITH ORDINALITY AS t(i, n) ORDER BY n) FROM generate_series(0, 7) AS k ORDER BY k);
BEGIN
  RETURN QUERY SELECT r.outcome, r.code || ' ' || r.message FROM pl.ingest(1, p_source, ARRAY(SELECT unnest(c[1:1])), ARRAY(SELECT unnest(c[2:2])), ARRAY(SELECT unnest(c[3:3])),
    ARRAY(SELECT unnest(c[4:4])), ARRAY(SELECT unnest(c[5:5])), ARRAY(SELECT unnest(c[6:6])), ARRAY(SELECT unnest(c[7:7])), ARRAY(SELECT unnest(c[8:8])), p_received) AS r;
END $$;
CREATE FUNCTION test_answer(p_call text, p_request text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_answer text;
BEGIN
  EXECUTE 'SELECT ' || replace(p_call, '{}', '$1') INTO v_answer USING p_request::jsonb;
  RETURN v_answer;
EXCEPTION WHEN OTHERS THEN
  RETURN 'refused: ' || SQLERRM;
END $$;
"""


def literal(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def period_of(name, settings):
    """(first, end) local days of period=, fiscal ones by the settings."""
    day = datetime.date.fromisoformat
    if ".." in name:
        first, last = name.split("..")
        return day(first), day(last) + datetime.timedelta(days=1)
    if name.startswith("20"):
        first = day(f"{name}-01-01" if len(name) == 4 else f"{name[:5]}{3 * int(name[6]) - 2:02d}-01" if "Q" in name else f"{name}-01")
        return first, months_on(first, 12 if len(name) == 4 else 3 if "Q" in name else 1)
    start, year = settings["fiscal_year_start"], int(name[-4:])
    first = datetime.date(year - 1 if start > 1 and settings["fy_name"] == "end" else year, start, 1)
    if name.startswith("FY"):
        return first, first.replace(year=first.year + 1)
    return months_on(first, 3 * int(name[2]) - 3), months_on(first, 3 * int(name[2]))


def months_on(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return datetime.date(year, month + 1, 1)


def sub_days(first, end, granularity):
    """[(label, first, end)] of calendar months or quarters, clipped to the period, in local days."""
    found, step = [], {"month": 1, "quarter": 3}[granularity]
    while first < end:
        begin = datetime.date(first.year, (first.month - 1) // step * step + 1, 1)
        upto = min(months_on(begin, step), end)
        label = f"{begin:%Y-%m}" if granularity == "month" else f"{begin:%Y}-Q{(begin.month + 2) // 3}"
        found.append((label, first, upto))
        first = upto
    return found


def sub_periods(first, end, granularity, clock):
    """The same in instants."""
    return [(label, clock.midnight(start), clock.midnight(upto)) for label, start, upto in sub_days(first, end, granularity)]


class World:
    """events: those of the history that it is told, in their batches; all by default."""

    def __init__(self, history, batches=None, strategies_last=False):
        self.history, self.database = history, Database(BINARY)
        feed = [self.fed(batch) for batch in (history.batches() if batches is None else batches) if batch]
        config = [f"SELECT pl.settings_patch(1, jsonb_build_object('body', {literal(json.dumps(history.settings))}::jsonb)) \\g /dev/null"]
        config += [f"SELECT pl.strategy_publish(1, jsonb_build_object('path', jsonb_build_array(c.id))) FROM pl.strategy_create(1, jsonb_build_object('body', "
                   f"{literal(json.dumps(body))}::jsonb)) AS c \\g /dev/null" for body in history.strategies]
        overrides = [f"INSERT INTO fit_override (org_id, account_id, set_at, tier, reason, until, actor) VALUES (1, '{account}', '{iso(at)}', '{tier}', 'r', "
                     f"{literal(until and iso(until))}, 'test');" for account, at, tier, until in history.overrides]
        script = [FEED, *overrides, *(feed + config if strategies_last else config + feed)]
        outcomes = self.database.sql("\n".join(script))
        self.outcomes = [outcome for outcome, _ in outcomes]
        refused = [row for row in outcomes if row[0] == "rejected"]
        if refused:
            raise AssertionError(f"{len(refused)} events refused: {refused[:5]}")

    @staticmethod
    def fed(batch):
        return f"SELECT * FROM test_feed('{batch[0]['source']}', '{iso(max(event['received'] for event in batch))}', {literal(json.dumps([told(event) for event in batch]))});"

    def refuse(self, events):
        """Tell it what it must not take, each at its time."""
        outcomes = self.database.sql("\n".join(self.fed([event]) for event in events))
        if any(outcome != "rejected" for outcome, _ in outcomes):
            raise AssertionError(f"taken although the identifier was used before: {outcomes}")

    def answers(self, requests):
        """The answers to [(call, path, {parameter: value})] as texts, in their order; call has {} where the request goes."""
        asked = [(call, json.dumps({"path": [path], "query": query, "format": "json", "who": {"scope": "all"}})) for call, path, query in requests]
        rows = self.database.sql("\n".join(f"SELECT test_answer({literal(call)}, {literal(text)});" for call, text in asked))
        return [row[0] for row in rows]

    def ask(self, requests):
        """The answers to [(metric, {parameter: value})]."""
        return [json.loads(text) for text in self.answers([("pl.answer_metric(1, {})", *request) for request in requests])]

    def rows_behind(self, key, query):
        """All rows behind a number, in pages."""
        found, cursor = [], None
        while True:
            page = json.loads(self.answers([("(pl.answer_metric_rows(1, {})).body", key, {"limit": "500", **query, **({"cursor": cursor} if cursor else {})})])[0])
            found += page["data"]
            cursor = page["next"]
            if cursor is None:
                return found
