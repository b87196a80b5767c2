"""The past is a replay: what is answered as_of T and known_at K is, byte for byte, what a database answers that was only ever told what had
occurred by T and arrived by K. Only data_version differs: it counts the events that were accepted."""
import datetime
import os
import pathlib
import random
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from company_history import DAYS, REPS, START, History, iso  # noqa: E402
from company_world import World  # noqa: E402
from harness import Case  # noqa: E402

SEED = int(os.environ.get("PLUMBLINE_TEST_SEED", "1"))
EACH = int(os.environ.get("PLUMBLINE_TEST_EACH", "14"))  # metrics asked at each point, half as many for their rows
POINTS = int(os.environ.get("PLUMBLINE_TEST_POINTS", "4"))  # points of (as_of, known_at)
DEALS = int(os.environ.get("PLUMBLINE_TEST_DEALS", "60"))

OBJECTS = """SELECT o.kind, o.object_id, pl.object_json(ROW(o.*)::object) FROM unnest(enum_range(NULL::object_kind)) AS k, pl.object_states(1, k, NULL, {}, {}) AS o ORDER BY 1, 2"""


def without_version(text):
    return re.sub(r'"data_version": ?\d+', "", text)


class Replay(Case):
    def questions(self, history, groupings, drilled, as_of, known):
        """(call, path, parameters) of everything that can be asked of a past."""
        past, pick = {"as_of": as_of, "known_at": known}, random.Random(f"{history.seed} {as_of}")
        period = pick.choice(["2025", "2025-Q2", "FY2025", "this_fq", "last_90d"])
        for metric, by in pick.sample(sorted(groupings.items()), EACH):
            yield "pl.answer_metric(1, {})", metric, {"period": period, **past, "by": pick.choice(by), **({"team": pick.choice(["world", "emea"])} if pick.random() < 0.3 else {}),
                                                      **({"credit": pick.choice(["current", "split"])} if pick.random() < 0.3 else {}),
                                                      **({"fit_basis": pick.choice(["current", "restated:s2"])} if pick.random() < 0.3 else {})}
        for by in pick.sample(["rep", "team", "segment", "product", "tier", "origin", "period"], 3):
            yield "pl.answer_alignment(1, {})", None, {"period": period, "by": by, **past}
        yield "pl.answer_summary(1, {})", None, {"period": period, **past}
        for rep in pick.sample(REPS, 2):
            yield "pl.answer_one(1, {}, 'rep')", rep, {"period": period, **past}
        for metric in pick.sample(drilled, EACH // 2):
            yield "(pl.answer_metric_rows(1, {})).body", metric, {"period": period, "limit": "500", **past}
        for account in pick.sample(history.accounts, 12):
            yield "pl.account_explain(1, {})", account, past
        for deal in pick.sample(history.deals, 12):
            yield "pl.answer_opportunity(1, {})", deal, past

    def test_the_past_is_a_replay(self):
        history = History(SEED, DEALS)
        world, pick = World(history), random.Random(SEED)
        self.addCleanup(world.database.drop)
        groupings = {key: by.strip("{}").split(",") for key, by in world.database.sql("SELECT key, groupings::text FROM pl.metric ORDER BY key")}
        drilled = [row[0] for row in world.database.sql("SELECT key FROM pl.metric WHERE drill IS NOT NULL ORDER BY key")]
        for turn in range(POINTS):
            as_of = START + datetime.timedelta(minutes=pick.randrange(200 * 1440, (DAYS + 60) * 1440))
            known = as_of + datetime.timedelta(minutes=pick.choice([0, 600, 1440 * 20, 1440 * 400]))
            heard = [[event for event in batch if event["at"] <= as_of and event["received"] <= known] for batch in history.batches()]
            told = World(history, heard, strategies_last=bool(turn % 2))
            try:
                self.compare((history, groupings, drilled), (world, told), iso(as_of), iso(known), f"PLUMBLINE_TEST_SEED={SEED} PLUMBLINE_TEST_DEALS={DEALS} turn {turn}")
            finally:
                told.database.drop()

    def compare(self, what, worlds, as_of, known, again):
        states = [world.database.sql(OBJECTS.format(f"'{as_of}'", f"'{known}'")) for world in worlds]
        self.assertEqual(*states, f"states of objects, {again}")
        questions = list(self.questions(*what, as_of, known))
        answers = [map(without_version, world.answers(questions)) for world in worlds]
        for (call, path, query), then, replayed in zip(questions, *answers):
            with self.subTest(call=call, path=path, query=query, again=again):
                if then != replayed:
                    at = next((n for n, (a, b) in enumerate(zip(then, replayed)) if a != b), min(len(then), len(replayed)))
                    self.fail(f"asked of the past: …{then[max(0, at - 150):at + 150]}…\nonly told the past: …{replayed[max(0, at - 150):at + 150]}…")


if __name__ == "__main__":
    unittest.main()
