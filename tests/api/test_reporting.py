"""Schema reporting: what the views add up to is what the API answers, to the cent; who may read them reads nothing else; they hide what the
API hides; and they survive a migration with their grants."""
import datetime
import decimal
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

from harness import Case, ROOT, plumbline
from harness.database import rows

ROLE = f"bi_{os.getpid()}"


def number(text):
    return decimal.Decimal(text or 0)


def cents(value):
    return value.quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_EVEN)


def role_url(url, role):
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{role}@{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"


def statements():
    """What docs/reporting.md shows: first how to let a role read, then examples."""
    return re.findall(r"```sql\n(.*?)```", (ROOT / "docs/reporting.md").read_text(encoding="utf-8"), re.S)


def recipe():
    return re.sub(r"\bbi\b", ROLE, statements()[0])


class Views(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        folder = tempfile.mkdtemp(prefix="plumbline-sample-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.today = datetime.datetime.now(datetime.timezone.utc).date()
        sample = ROOT / "tools/sample"
        subprocess.run([sys.executable, "-B", sample / "generate.py", folder, "--today", cls.today.isoformat()], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-B", sample / "load.py", folder, cls.server.url], input=cls.server.key() + "\n", text=True, check=True,
                       stdout=subprocess.DEVNULL)
        cls.client = cls.server.client()
        cls.addClassCleanup(cls.drop_role)
        cls.server.sql(recipe())
        cls.url = role_url(cls.server.database.url, ROLE)

    @classmethod
    def drop_role(cls):
        cls.server.sql(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")

    def ask(self, path):
        return self.assert_ok(self.client.get(path))

    def read(self, query):
        return rows(self.url, query)

    def quarters(self):
        """The last four whole quarters."""
        year, quarter = self.today.year, (self.today.month - 1) // 3
        for _ in range(4):
            year, quarter = (year, quarter - 1) if quarter else (year - 1, 3)
            yield f"{year}-Q{quarter + 1}", f"date '{year}-{3 * quarter + 1}-01'"

    def within(self, first):
        return f"month >= {first} AND month < {first} + interval '3 months'"

    # ── figures ──
    def test_money_is_that_of_the_api(self):
        compared = 0
        for period, first in self.quarters():
            for by, column in (("rep", "rep_id"), ("team", "team_id"), ("segment", "segment")):
                answer = self.ask(f"/v1/metrics/bookings_share?by={by}&period={period}")
                summed = {row[0] or "__none__": row[1:] for row in self.read(
                    f"SELECT {column}, sum(won_money_on), sum(won_money_on + won_money_off), sum(won_deals_on), sum(won_deals_off), sum(won_money_unknown) "
                    f"FROM reporting.alignment_months WHERE {self.within(first)} GROUP BY 1")}
                for row in answer["rows"]:
                    on, both, deals_on, deals_off, unknown = map(number, summed.get(row["key"], [0] * 5))
                    self.assertEqual((str(cents(on)), str(cents(both))), (row["numerator"], row["denominator"]), (period, by, row["key"]))
                    self.assertEqual((deals_on, deals_off), (row["parts"]["on"]["n"], row["parts"]["off"]["n"]), (period, by, row["key"]))
                    self.assertEqual(str(cents(unknown)), row["parts"]["unknown"]["amount"], (period, by, row["key"]))
                    compared += both > 0
        self.assertGreater(compared, 100)

    def test_months_and_fiscal_quarters_are_those_of_the_api(self):
        settings = self.ask("/v1/settings")
        self.addCleanup(self.client.patch, "/v1/settings", {name: settings[name] for name in ("fiscal_year_start", "fy_name", "time_zone")})
        for change in ({"fiscal_year_start": 2, "fy_name": "end"}, {"fiscal_year_start": 10, "fy_name": "start"},
                       {"fiscal_year_start": 1, "time_zone": "Pacific/Auckland"}):
            self.assert_ok(self.client.patch("/v1/settings", change))
            for year in (self.today.year - 1, self.today.year):
                for quarter in (1, 2, 3, 4):
                    total = self.ask(f"/v1/metrics/bookings_share?period=FQ{quarter}-{year}")["total"]
                    [[both]] = self.read("SELECT coalesce(sum(won_money_on + won_money_off), 0) FROM reporting.alignment_months "
                                         f"WHERE fiscal_year = {year} AND fiscal_quarter = {quarter}")
                    self.assertEqual(str(cents(number(both))), total["denominator"] or "0.00", (change, year, quarter))

    def test_hours_are_those_of_the_api(self):
        compared = 0
        for period, first in self.quarters():
            for by, column in (("rep", "rep_id"), ("team", "team_id")):
                summed = {row[0] or "__none__": row[1:] for row in self.read(
                    f"SELECT {column}, sum(hours_on), sum(hours_off), sum(hours_unknown) FROM reporting.alignment_months WHERE {self.within(first)} GROUP BY 1")}
                for row in self.ask(f"/v1/metrics/selling_time_share?by={by}&period={period}")["rows"]:
                    for value, name in zip(map(number, summed.get(row["key"], [0] * 3)), ("on", "off", "unknown")):
                        self.assertAlmostEqual(float(value), float(row["parts"][name]["hours"]), 5, (period, row["key"], name))
                        compared += value > 0
        self.assertGreater(compared, 100)

    def test_products_are_those_of_the_api(self):
        period, first = next(self.quarters())
        summed = dict(self.read(f"SELECT family, sum(money) FROM reporting.deal_products WHERE outcome = 'won' AND closed_class <> 'unknown' "
                                f"AND closed_month >= {first} AND closed_month < {first} + interval '3 months' GROUP BY 1"))
        answer = self.ask(f"/v1/metrics/bookings_share?by=product&period={period}")["rows"]
        for row in answer:
            self.assertEqual(str(cents(number(summed.get(row["key"])))), row["denominator"] or "0.00", row["key"])
        self.assertGreater(len(summed), 2)

    def test_rows_are_those_of_the_api(self):
        period, first = next(self.quarters())
        listed = {row["id"]: row for row in self.client.get(f"/v1/metrics/bookings_share/rows?period={period}&format=ndjson").ndjson()}
        found = {row[0]: row[1:] for row in self.read(
            "SELECT deal_id, closed_rep_id, closed_team_id, closed_segment, closed_tier, closed_class, money FROM reporting.deals "
            f"WHERE outcome = 'won' AND closed_month >= {first} AND closed_month < {first} + interval '3 months'")}
        self.assertEqual(sorted(found), sorted(listed))
        for deal, (rep, team, segment, tier, verdict, money) in found.items():
            row = listed[deal]
            self.assertEqual((rep, team, segment, tier, verdict), (row["rep"], row["team"], row["segment"], row["tier"], row["class"]), deal)
            self.assertEqual(money and number(money), row["money"] and number(row["money"]) or "", deal)

    def test_accounts_fit_as_the_api_says(self):
        scoped = self.read("SELECT count(*) FROM reporting.strategies WHERE team_ids <> '{}'")
        self.assertEqual(scoped, [["0"]])  # else the owner's team would matter
        some = self.read("SELECT account_id, strategy_id, segment, tier, class, score FROM reporting.accounts ORDER BY md5(account_id) LIMIT 40")
        self.assertEqual(len(some), 40)
        for account, strategy, segment, tier, verdict, score in some:
            fit = self.ask(f"/v1/accounts/{urllib.parse.quote(account)}/fit")
            self.assertEqual((strategy, segment, tier, verdict), (fit["strategy"], fit["segment"], fit["tier"], fit["class"]), account)
            self.assertEqual(float(score) if score else None, fit["score"], account)

    def test_targets_are_those_of_the_document(self):
        [[current]] = self.read("SELECT strategy_id FROM reporting.strategies WHERE is_in_force_for_all")
        document = self.ask(f"/v1/strategies/{current}")
        body = document.get("body", document)
        wanted = {("segment", s["key"], measure): value for s in body["segments"] for measure, value in s["target"].items()}
        wanted |= {("product", key, "bookings"): value for key, value in body["products"].items()}
        wanted |= {("message", m["key"], "conversations"): m["target"] for m in body["messages"] if "target" in m}
        found = {(d, k, m): float(t) for d, k, m, t in self.read(f"SELECT dimension, key, measure, target FROM reporting.strategy_targets WHERE strategy_id = '{current}'")}
        self.assertEqual(found, wanted)
        self.assertGreater(len(wanted), 5)

    def test_counts_of_objects_are_those_of_the_api(self):
        for view, kind in (("reps", "reps"), ("teams", "teams"), ("accounts", "accounts"), ("deals", "opportunities")):
            listed = len(self.client.get(f"/v1/{kind}?format=ndjson").ndjson())
            self.assertEqual(self.read(f"SELECT count(*) FROM reporting.{view}"), [[str(listed)]], view)

    def test_examples_of_the_page(self):
        examples = statements()[1:]
        self.assert_counts(self.client.post("/v1/accounts", [{"id": "later", "name": "Later", "occurred_at": "2099-01-01T00:00:00Z"}]), rejected=1)
        self.assertEqual(len(examples), 4)
        for example in examples:
            self.assertNotEqual(self.read(example), [], example)

    # ── rights ──
    def test_the_role_reads_reporting_and_nothing_else(self):
        views = [row[0] for row in self.read("SELECT table_name FROM information_schema.views WHERE table_schema = 'reporting' ORDER BY 1")]
        self.assertEqual(len(views), 14)
        for view in views:
            self.assertRegex(self.read(f"SELECT count(*) FROM reporting.{view}")[0][0], r"^\d+$")
        others = self.server.sql("SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                                 "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1")
        self.assertGreater(len(others), 20)
        allowed = "SELECT t, r FROM unnest(string_to_array('{}', ' ')) AS t, unnest('{{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}}'::text[]) AS r WHERE has_table_privilege(t, r)"
        self.assertEqual(self.read(allowed.format(" ".join(table for [table] in others))), [])
        for statement in ("SELECT 1 FROM public.deal_fact", "DELETE FROM public.event", "SELECT pl.reporting_currency(1)", "INSERT INTO reporting_reader VALUES (2, session_user)", "CREATE TABLE public.mine (x int)",
                          "UPDATE reporting.teams SET name = 'x'", "CREATE SCHEMA mine", f"SET ROLE {self.server.value('SELECT current_user')}"):
            with self.assertRaisesRegex(RuntimeError, "permission denied|cannot update view", msg=statement):
                self.read(f"BEGIN READ WRITE; {statement}")  # that it only reads by default is no protection

    def test_a_role_sees_the_organisations_it_was_given(self):
        other = f"{ROLE}_other"
        self.assertEqual(plumbline("org", "create", "second", database_url=self.server.database.url).returncode, 0)
        second = self.server.client(org="second")
        self.assert_ok(second.put("/v1/teams/theirs", {"name": "Theirs"}))
        number_of = self.server.value("SELECT org_id FROM org WHERE slug = 'second'")
        self.assertEqual(self.read("SELECT slug FROM reporting.organisations"), [["default"]])
        self.assertEqual(self.read("SELECT count(*) FROM reporting.teams WHERE name = 'Theirs'"), [["0"]])
        self.server.sql(f"CREATE ROLE {other} LOGIN; GRANT USAGE ON SCHEMA reporting TO {other}; GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO {other}")
        self.addCleanup(self.server.sql, f"DROP OWNED BY {other}; DROP ROLE {other}")
        mine = role_url(self.server.database.url, other)
        self.assertEqual(rows(mine, "SELECT count(*) FROM reporting.organisations"), [["0"]])  # granted, and named nowhere: nothing
        self.server.sql(f"INSERT INTO reporting_reader VALUES ({number_of}, '{other}')")
        self.assertEqual(rows(mine, "SELECT slug FROM reporting.organisations"), [["second"]])
        self.assertEqual(rows(mine, "SELECT name FROM reporting.teams"), [["Theirs"]])
        for [view] in self.read("SELECT table_name FROM information_schema.views WHERE table_schema = 'reporting'"):
            self.assertEqual(rows(mine, f"SELECT count(*) FROM reporting.{view} WHERE org_id <> {number_of}"), [["0"]], view)
        # A function that tells what it is shown is not run before the restriction (security_barrier).
        told = subprocess.run(["psql", "-X", "-q", "-d", mine, "-c", "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS "
                               "$$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$; SELECT count(*) FROM reporting.teams WHERE pg_temp.tell(name)"],
                              capture_output=True, text=True, check=True)
        self.assertEqual(re.findall("seen (.*)", told.stderr), ["Theirs"])

    def test_a_migration_leaves_grants_alone(self):
        before = self.server.sql("SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants WHERE table_schema = 'reporting' ORDER BY 1, 2, 3")
        self.server.sql("UPDATE schema_migration SET checksum = 'of an older release' WHERE name = 'functions'")
        done = self.server.plumbline("migrate")
        self.assertIn("functions applied", done.stdout + done.stderr)
        self.assertEqual(self.server.sql("SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants "
                                         "WHERE table_schema = 'reporting' ORDER BY 1, 2, 3"), before)
        self.assertNotEqual(self.read("SELECT count(*) FROM reporting.deals"), [["0"]])

    def test_views_stand_on_tables_alone(self):
        """What depends on schema pl would be dropped with it."""
        self.assertEqual(self.server.sql(
            "SELECT DISTINCT v.relname, p.proname FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass "
            "JOIN pg_class v ON v.oid = r.ev_class JOIN pg_proc p ON p.oid = d.refobjid AND d.refclassid = 'pg_proc'::regclass "
            "WHERE v.relnamespace = 'reporting'::regnamespace AND p.pronamespace = 'pl'::regnamespace"), [])
        self.assertEqual(self.server.sql("SELECT relname FROM pg_class WHERE relnamespace = 'reporting'::regnamespace AND relkind = 'v' "
                                         "AND NOT coalesce(reloptions @> '{security_barrier=true}', false)"), [])

    def test_next_epoch_is_not_seen(self):
        before = self.read("SELECT count(*), sum(money) FROM reporting.deals") + self.read("SELECT count(*), sum(hours) FROM reporting.activities")
        self.server.sql("""DO $$ BEGIN EXECUTE (SELECT format('INSERT INTO deal_fact_of (%1$s, epoch) SELECT %1$s, epoch + 1 FROM deal_fact_of', string_agg(quote_ident(column_name), ', '))
            FROM information_schema.columns WHERE table_name = 'deal_fact_of' AND column_name <> 'epoch'); END $$""")
        self.addCleanup(self.server.sql, "DELETE FROM deal_fact_of AS d USING org_version AS v WHERE v.org_id = d.org_id AND d.epoch > v.epoch")
        self.assertEqual(self.read("SELECT count(*), sum(money) FROM reporting.deals") + self.read("SELECT count(*), sum(hours) FROM reporting.activities"), before)


class Persons(Case):
    """What the API hides of single reps, the views hide."""
    NAME = "Zoë Quirk-Ånström"

    def setUp(self):
        self.server = self.serve()
        self.client = self.server.client()
        self.server.sql(recipe())
        self.addCleanup(self.server.sql, f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
        self.url = role_url(self.server.database.url, ROLE)
        for path, body in (("teams/east", {"name": "East"}), ("reps/rep-zoe", {"name": self.NAME, "team": "east", "email": "zoe@example.org"}),
                           ("stages/won", {"label": "Won", "outcome": "won"}), ("accounts/a1", {"name": "Acme", "owner": "rep-zoe"}),
                           ("opportunities/d1", {"name": f"Renewal, ask {self.NAME}", "account": "a1", "owner": "rep-zoe", "stage": "won", "amount": "10.00",
                                                 "currency": "EUR", "created_at": "2026-01-10T00:00:00Z", "closed_at": "2026-02-10T00:00:00Z"}),
                           ("activities/v1", {"kind": "meeting", "starts_at": "2026-02-01T09:00:00Z", "rep": "rep-zoe", "account": "a1", "duration_s": 3600, "outcome": "held"})):
            self.assert_ok(self.client.put(f"/v1/{path}?occurred_at=2026-01-01T00:00:00Z", body))

    def views_with(self, word):
        views = [row[0] for row in rows(self.url, "SELECT table_name FROM information_schema.views WHERE table_schema = 'reporting' ORDER BY 1")]
        return [view for view in views if rows(self.url, f"SELECT count(*) FROM reporting.{view} AS v WHERE v::text ILIKE '%{word}%'") != [["0"]]]

    def test_works_council(self):
        self.assertEqual(self.views_with("rep-zoe"), ["accounts", "activities", "alignment_months", "deals", "rep_teams", "reps"])
        figures = "SELECT sum(won_money_unknown), sum(hours_unknown) FROM reporting.alignment_months WHERE team_id = 'east'"
        before = rows(self.url, figures)
        self.assert_ok(self.client.patch("/v1/settings", {"rep_metrics": "off"}))
        self.assertEqual(self.views_with("rep-zoe"), [])
        self.assertEqual(rows(self.url, figures), before)
        self.assertEqual(before, [["10.00", "1"]])

    def test_erased_person(self):
        self.assertEqual(self.views_with("quirk"), ["deals", "reps"])
        self.assert_ok(self.client.post("/v1/erasures", {"kind": "rep", "id": "rep-zoe"}))
        self.assertEqual(self.views_with("quirk"), [])
        self.assertEqual(rows(self.url, "SELECT name FROM reporting.reps"), [["(erased 1)"]])


if __name__ == "__main__":
    import unittest
    unittest.main()
