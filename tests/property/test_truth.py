"""Laws of the log and its fold: arrival order, batching and replays never matter; the past can be asked; a rebuild changes nothing."""
import concurrent.futures
import decimal
import itertools
import json
import os
import unittest

from harness import BINARY, Case, Database
from truth_model import History, order, states

SEED = int(os.environ.get("PLUMBLINE_TEST_SEED", "20240301"))

FEED = """
CREATE FUNCTION test_feed(p_org int, p_each boolean, p_received timestamptz, p_source text, p_items jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_kinds text[]; v_ids text[]; v_operations text[]; v_full text[]; v_strict text[]; v_at text[]; v_events text[]; v_patches text[];
BEGIN
  SELECT array_agg(i ->> 'kind' ORDER BY n), array_agg(i ->> 'id' ORDER BY n), array_agg(i ->> 'operation' ORDER BY n),
         array_agg(CASE WHEN (i -> 'full')::boolean THEN 't' ELSE 'f' END ORDER BY n), array_agg('f'::text ORDER BY n),
         array_agg(i ->> 'at' ORDER BY n), array_agg(i ->> 'event_id' ORDER BY n), array_agg(i ->> 'patch' ORDER BY n)
    INTO v_kinds, v_ids, v_operations, v_full, v_strict, v_at, v_events, v_patches
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS t(i, n);
  IF p_each THEN
    RETURN QUERY SELECT to_jsonb(r) FROM pl.ingest_each(p_org, p_source, v_kinds, v_ids, v_operations, v_full, v_strict, v_at, v_events, v_patches, p_received) AS r;
  ELSE
    RETURN QUERY SELECT to_jsonb(r) FROM pl.ingest(p_org, p_source, v_kinds, v_ids, v_operations, v_full, v_strict, v_at, v_events, v_patches, p_received) AS r;
  END IF;
END $$;
"""
STATE = """jsonb_build_object('doc', o.doc, 'track', o.track, 'first_at', pl.iso(o.first_at), 'last_at', pl.iso(o.last_at),
                              'last_event', o.last_event, 'deleted_at', pl.iso(o.deleted_at), 'merged_into', o.merged_into)"""
DERIVED = ("object", "fx_rate", "rep_team", "account_version", "account_fit", "deal_fact", "activity_fact")


def read(text):
    return json.loads(text, parse_float=decimal.Decimal)


def plain(value):
    """Through JSON and back, so that numbers compare as the database compares them."""
    return read(json.dumps(value))


class Truth(Case):
    @classmethod
    def setUpClass(cls):
        cls.database = Database(BINARY)
        cls.addClassCleanup(cls.database.drop)
        cls.database.sql(FEED)
        cls.numbers = itertools.count(1)

    def org(self):
        return int(self.database.value(f"SELECT pl.org_create('org-{next(self.numbers)}', '')"))

    def feed(self, org, batches, each=False, received=None):
        """Sends batches in turn; the outcomes in the same shape. received: a time a batch."""
        calls = []
        for number, batch in enumerate(batches):
            items = json.dumps([{**event, "patch": json.dumps(event["patch"])} for event in batch])
            at = f"'{received[number]}'" if received else "NULL"
            calls.append(f"SELECT r FROM test_feed({org}, {each}, {at}, '{batch[0]['source']}', $json${items}$json$) AS r;")
        results = [read(row[0]) for row in self.database.sql("\n".join(calls))]
        self.assertEqual(len(results), sum(map(len, batches)))
        return [[results.pop(0) for _ in batch] for batch in batches]

    def named(self, batches, outcomes):
        """The distinct events with the ids they bear in the log."""
        events = {}
        for event, outcome in zip(itertools.chain(*batches), itertools.chain(*outcomes)):
            self.assertIn(outcome["outcome"], ("accepted", "stale", "unchanged", "duplicate"), (event, outcome))
            events[event["source"], outcome["event_id"]] = {**event, "event_id": outcome["event_id"]}
        return list(events.values())

    def states(self, query):
        return {(kind, name): read(state) for kind, name, state in self.database.sql(query)}

    def rows(self, org):
        return self.states(f"SELECT o.kind, o.object_id, {STATE} FROM object AS o WHERE o.org_id = {org}")

    def refolded(self, org):
        """Rows of the fast path that differ from a fold of the log, in any column."""
        return self.database.sql(f"""
            SELECT o::text, f.state::text FROM object AS o FULL JOIN
              (SELECT e.kind, e.object_id, pl.fold(e ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source) AS state
                 FROM event AS e WHERE e.org_id = {org} GROUP BY e.kind, e.object_id) AS f
              ON f.kind = o.kind AND f.object_id = o.object_id
             WHERE coalesce(o.org_id, {org}) = {org} AND o::text IS DISTINCT FROM f.state::text""")

    def test_arrival_batching_and_replays_do_not_matter(self):
        for seed in range(SEED, SEED + 16):
            history = History(seed)
            expected = None
            for variant in range(4):
                with self.subTest(seed=seed, variant=variant):
                    org = self.org()
                    batches = history.batches(history.arrival(replays=variant * 3))
                    events = self.named(batches, self.feed(org, batches, each=variant == 3))
                    self.assertEqual(len(events), len(history.births) + len(history.rest))
                    expected = expected or {key: plain(state) for key, state in states(events).items()}
                    self.assertEqual(self.rows(org), expected)
                    self.assertEqual(self.refolded(org), [])

    def test_outcomes_say_what_happened(self):
        for seed in range(SEED + 100, SEED + 110):
            with self.subTest(seed=seed):
                history, org = History(seed), self.org()
                batches = history.batches(history.arrival(replays=5))
                outcomes = self.feed(org, batches)
                seen, arrived = {}, []
                for event, outcome in zip(itertools.chain(*batches), itertools.chain(*outcomes)):
                    event = {**event, "event_id": outcome["event_id"]}
                    mine = [other for other in arrived if (other["kind"], other["id"]) == (event["kind"], event["id"])]
                    if (event["source"], event["event_id"]) in seen:
                        self.assertEqual(outcome["outcome"], "duplicate", event)
                        continue
                    seen[event["source"], event["event_id"]] = event
                    arrived.append(event)
                    newest = max(map(order, mine), default=None)
                    # Ties across sources are decided by the source; the service calls all of them stale and folds anew.
                    if newest and order(event)[:2] <= newest[:2]:
                        self.assertEqual(outcome["outcome"], "stale", event)
                    else:
                        self.assertIn(outcome["outcome"], ("accepted", "unchanged"), event)
                count = int(self.database.value(f"SELECT count(*) FROM event WHERE org_id = {org}"))
                self.assertEqual(count, len(arrived))

    def test_replaying_everything_changes_nothing(self):
        history, org = History(SEED + 200), self.org()
        batches = history.batches(history.arrival())
        self.feed(org, batches)
        before = self.dump(org)
        for results in self.feed(org, history.batches(history.arrival(replays=4))):
            self.assertEqual({result["outcome"] for result in results}, {"duplicate"})
        self.assertEqual(self.dump(org), before)

    def test_states_as_of_and_as_known_at(self):
        for seed in range(SEED + 300, SEED + 310):
            history, org = History(seed, birth_first=True), self.org()
            batches = history.batches(history.arrival())
            received = [f"2024-04-{1 + n // 24:02d}T{n % 24:02d}:00:00Z" for n in range(len(batches))]
            outcomes = self.feed(org, batches, received=received)
            for _ in range(5):
                as_of, known = history.at(), history.random.choice(received)
                with self.subTest(seed=seed, as_of=as_of, known_at=known):
                    self.check_past(org, batches, outcomes, received, as_of, known)

    def check_past(self, org, batches, outcomes, received, as_of, known):
        asked = self.states(f"""SELECT o.kind, o.object_id, {STATE}
                                  FROM unnest(enum_range(NULL::object_kind)) AS k, pl.object_states({org}, k, NULL, '{as_of}', '{known}') AS o""")
        fresh, kept, times = self.org(), [], []
        for batch, results, at in zip(batches, outcomes, received):
            early = [{**event, "event_id": result["event_id"]} for event, result in zip(batch, results)
                     if event["at"] <= as_of and at <= known]
            if early:
                kept.append(early)
                times.append(at)
        self.feed(fresh, kept, received=times)
        self.assertEqual(asked, self.rows(fresh))

    def test_states_of_some_ids_are_those_of_all(self):
        history, org = History(SEED + 400), self.org()
        batches = history.batches(history.arrival())
        events = self.named(batches, self.feed(org, batches))
        for as_of in ("2024-03-04T00:00:00Z", "2024-03-06T12:00:00Z", "2024-12-31T00:00:00Z"):
            expected = {key: plain(state) for key, state in states([event for event in events if event["at"] <= as_of]).items()}
            got = {}
            for kind, name in {(event["kind"], event["id"]) for event in events}:
                got |= self.states(f"SELECT o.kind, o.object_id, {STATE} FROM pl.object_states({org}, '{kind}', '{{{name},nobody}}', '{as_of}', NULL) AS o")
            self.assertEqual(got, expected)

    def test_writers_at_once(self):
        history, org = History(SEED + 600), self.org()
        for _ in range(4):
            history.object("opportunity", f"o{len(history.births)}", False)
        self.feed(org, history.batches(history.births))
        streams = [history.batches(history.arrival(replays=3)) for _ in range(4)]
        with concurrent.futures.ThreadPoolExecutor(len(streams)) as pool:
            outcomes = list(pool.map(lambda batches: self.feed(org, batches), streams))
        stored = [(event["source"], result["event_id"]) for batches, results in zip(streams, outcomes)
                  for event, result in zip(itertools.chain(*batches), itertools.chain(*results)) if result["outcome"] != "duplicate"]
        self.assertEqual(len(stored), len(set(stored)), "an event was stored twice")
        self.assertEqual(len(stored), len(history.rest))
        events = self.named(streams[0], outcomes[0])
        self.assertEqual(self.rows(org), {key: plain(state) for key, state in states(events).items()})
        self.assertEqual(self.refolded(org), [])
        self.assertEqual(self.database.sql(f"SELECT max(e.seq) = (SELECT v.data_version FROM org_version AS v WHERE v.org_id = {org}), "
                                           f"count(*) = count(DISTINCT e.seq) FROM event AS e WHERE e.org_id = {org}"), [["t", "t"]])

    def test_rebuild_changes_nothing(self):
        for seed in range(SEED + 500, SEED + 510):
            with self.subTest(seed=seed):
                history, org = History(seed), self.org()
                self.feed(org, history.batches(history.arrival(replays=2)))
                before = self.dump(org)
                self.assertEqual(self.database.sql(f"SELECT changed FROM pl.rebuild({org})"), [["0"]])
                self.assertEqual(self.dump(org), before)

    def dump(self, org):
        """Every derived row of an organisation, byte for byte."""
        return {table: self.database.sql(f"SELECT t::text FROM {table} AS t WHERE t.org_id = {org} ORDER BY 1") for table in DERIVED}


if __name__ == "__main__":
    unittest.main()
