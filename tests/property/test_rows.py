"""The rows behind a number make it: under random questions the numerators and denominators of the rows add up to those of every metric that
says they do."""
import json
import os
import pathlib
import random
import sys
import unittest
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from company_history import History  # noqa: E402
from company_world import World  # noqa: E402
from harness import Case  # noqa: E402

SEED = int(os.environ.get("PLUMBLINE_TEST_SEED", "1"))
DEALS = int(os.environ.get("PLUMBLINE_TEST_DEALS", "150"))
PLAIN = "numerators and denominators add up to those of the number"
EACH = int(os.environ.get("PLUMBLINE_TEST_EACH", "3"))  # questions a metric


def added(rows, name):
    return sum(Fraction(str(row[name])) for row in rows if row.get(name) is not None)


class Rows(Case):
    def test_rows_make_the_number(self):
        world, pick = World(History(SEED, DEALS)), random.Random(SEED)
        self.addCleanup(world.database.drop)
        dictionary = {entry["key"]: entry for entry in json.loads(world.answers([("pl.answer_dictionary(1, {})", None, {})])[0])["data"]}
        # How rows make the number is said in words; only the plain promise is held here.
        plain = sorted(key for key, entry in dictionary.items() if entry["has_rows"] and entry["rows_add"] == PLAIN)
        self.assertGreater(len(plain), 10)
        for metric in plain:
            for _ in range(EACH):
                query = {"period": pick.choice(["2025", "2025-Q2", "2025-11-01..2026-02-15"]), "credit": pick.choice(["at_event", "current", "split"]),
                         "fit_basis": pick.choice(["as_judged", "current", "restated:s3"]), **pick.choice([{}, {}, {"team": "world"}, {"rep": "r01"}])}
                with self.subTest(metric=metric, query=query, again=f"PLUMBLINE_TEST_SEED={SEED} PLUMBLINE_TEST_DEALS={DEALS}"):
                    total, rows = world.ask([(metric, query)])[0]["total"], world.rows_behind(metric, query)
                    for name in ("numerator", "denominator"):
                        if total[name] is not None:
                            self.assertLessEqual(abs(added(rows, name) - Fraction(str(total[name]))), Fraction(1, 200), (name, len(rows)))


if __name__ == "__main__":
    unittest.main()
