"""Alerts: what is told and what is not, and who sees it."""
import json
import time

from harness.alerts import FAIL, OK, QUIET, UNCERTAIN, WARN, Alerted, Shared


class Told(Shared):
    def test_a_decline_is_told_once_a_step(self):
        for won in (OK, WARN, FAIL, OK):
            self.team.deals("r1", won)
            self.team.evaluate(times=5, hold=3)
        self.assertEqual(self.team.alerts(), [("r1", "ok", "warn"), ("r1", "warn", "fail"), ("r1", "fail", "ok")])

    def test_what_flaps_is_not_told(self):
        self.team.deals("r1", OK)
        self.team.evaluate()
        for won in (WARN, OK, FAIL, OK, FAIL, OK, WARN, OK):
            self.team.deals("r1", won)
            self.team.evaluate(times=2, hold=3)
        self.assertEqual(self.team.alerts(), [])

    def test_what_swings_between_warn_and_fail_is_told_as_warn(self):
        self.team.deals("r1", OK)
        self.team.evaluate()
        for won in (FAIL, WARN, FAIL, WARN, FAIL, WARN):
            self.team.deals("r1", won)
            self.team.evaluate(hold=3)
        self.assertEqual(self.team.alerts(), [("r1", "ok", "warn")])

    def test_what_is_uncertain_changes_nothing(self):
        self.team.deals("r1", OK)
        self.team.deals("r2", 1, of=3)
        self.team.evaluate(times=5, hold=2)
        self.team.deals("r1", UNCERTAIN)
        rows = self.assert_ok(self.client.get("/v1/metrics/win_rate?by=rep"))["rows"]
        self.assertEqual([(one["key"], one["value"], one["status"]) for one in rows], [("r1", 0.58, "uncertain"), ("r2", 0.333333, "uncertain")])
        self.team.evaluate(times=5, hold=2)
        self.assertEqual(self.team.alerts(), [])

    def test_an_uncertain_evaluation_ends_the_row(self):
        self.team.deals("r1", OK)
        self.team.evaluate()
        for _ in range(3):
            self.team.deals("r1", FAIL)
            self.team.evaluate(times=2, hold=3)
            self.team.deals("r1", UNCERTAIN)
            self.team.evaluate(hold=3)
        self.assertEqual(self.team.alerts(), [])

    def test_the_alert_is_the_answer(self):
        self.team.deals("r1", FAIL)
        self.team.evaluate()
        answer = self.assert_ok(self.client.get("/v1/metrics/win_rate?by=rep"))
        params, row = answer["params"], answer["rows"][0]
        alert = self.assert_ok(self.client.get("/v1/alerts"))["data"][0]
        self.assertEqual((alert["id"], alert["metric"], alert["by"], alert["key"], alert["label"], alert["team"], alert["from"], alert["to"]),
                         ("a1", "win_rate", "rep", "r1", "Ann Lee", "east", None, "fail"))
        self.assertEqual(alert["strategy"], answer["strategy_versions"][-1])
        self.assertEqual((alert["value"], alert["ci"], alert["n"], alert["unit"]), (row["value"], row["ci"], row["n"], "fraction"))
        self.assertEqual((row["status"], alert["threshold"]), ("fail", {"warn": 0.6, "fail": 0.4, "direction": "higher"}))
        self.assertEqual((alert["period"], alert["start"], alert["end"]), (params["period"], params["start"], params["end"]))

    def test_small_numbers_without_an_interval_are_not_certain(self):
        self.team.publish([{"metric": "bookings_share", "by": "rep", "warn": 0.6, "fail": 0.4}])
        self.assert_ok(self.client.post("/v1/accounts", [{"id": "a2", "name": "X", "attributes": {"industry": "x"}}]))
        self.team.deals("r1", 4, of=4, account="a2")
        row = self.assert_ok(self.client.get("/v1/metrics/bookings_share?by=rep"))["rows"][0]
        self.assertEqual((row["status"], row["low_n"], row["ci"]), ("fail", True, None))
        self.team.evaluate(times=3)
        self.assertEqual(self.team.alerts(), [])
        self.team.deals("r1", 8, of=8, account="a2")
        self.team.evaluate()
        self.assertEqual(self.team.alerts(), [("r1", None, "fail")])

    def test_a_new_strategy_tells_nothing_again(self):
        self.team.deals("r1", FAIL)
        self.team.evaluate()
        self.team.publish(name="Again")
        self.team.evaluate(times=3)
        self.assertEqual(self.team.alerts(), [("r1", None, "fail")])
        self.team.publish([{"metric": "win_rate", "by": "rep", "warn": 0.6, "fail": 0.1}], name="Milder")
        self.team.evaluate(times=3)
        self.assertEqual(self.team.alerts(), [("r1", None, "fail"), ("r1", "fail", "warn")])

    def test_a_thing_that_cannot_be_asked_is_no_failure(self):
        self.team.publish([{"metric": "win_rate", "by": "kind", "warn": 0.6, "fail": 0.4}, {"metric": "trend", "warn": 1, "fail": 0},
                           {"metric": "win_rate", "by": "period", "warn": 0.6, "fail": 0.4}, {"metric": "win_rate", "warn": 0.6, "fail": 0.4}])
        self.team.deals("r1", FAIL)
        self.assertEqual(self.team.evaluate()[0], ["done", "0", "0", "1", ""])
        self.assertEqual(self.team.alerts(), [("total", None, "fail")])

    def test_every_metric_can_have_a_threshold(self):
        metrics = self.assert_ok(self.client.get("/v1/metrics"))["data"]
        thresholds = [{"metric": one["key"], "by": by, "warn": 1, "fail": 0} for one in metrics for by in ["total", *one["groupings"]]]
        self.team.publish(thresholds)
        self.team.deals("r1", FAIL)
        state = self.team.evaluate()[0]
        self.assertEqual((state[0], state[4]), ("done", ""))


class TeamsOfTheirOwn(Alerted):
    def test_a_team_with_a_strategy_of_its_own(self):
        self.team.publish([{"metric": "win_rate", "by": "rep", "warn": 0.3, "fail": 0.1}, {"metric": "win_rate", "warn": 0.3, "fail": 0.1}], scope={"teams": ["west"]}, name="West")
        for rep in ("r1", "r2"):
            self.team.deals(rep, FAIL)
        self.team.evaluate()
        listed = self.assert_ok(self.client.get("/v1/alerts"))["data"]
        self.assertEqual(sorted((one["by"], one["key"], one["team"], one["label"], one["to"], one["strategy"]) for one in listed),
                         [("rep", "r1", "east", "Ann Lee", "fail", "s1"), ("rep", "r2", "west", "Bo <Chen> & Co", "warn", "s2"),
                          ("total", "total", "west", "West", "warn", "s2")])


class Evaluations(Alerted):
    settings = {**QUIET, "PLUMBLINE_ALERT_INTERVAL": "1", "PLUMBLINE_ALERT_HOLD": "2"}

    def test_the_service_makes_them(self):
        receiver = self.receiver()
        self.team.endpoint(receiver.url)
        self.team.deals("r1", FAIL)
        self.assertEqual(receiver.wait(1)[0].json()["data"]["to"], "fail")
        self.team.deals("r1", OK)
        self.assertEqual(receiver.wait(2)[1].json()["data"]["to"], "ok")
        time.sleep(2.5)
        self.assertEqual([one.json()["data"]["id"] for one in receiver.received], ["a1", "a2"], "each once")
        text = self.server.admin().get("/metrics").text
        self.assertRegex(text, r'plumbline_alert_evaluations_total\{outcome="done"\} [1-9]')
        for line in ('plumbline_alert_evaluations_total{outcome="failed"} 0', 'plumbline_alerts_total{status="fail"} 1', 'plumbline_alerts_total{status="ok"} 1',
                     'plumbline_alerts_total{status="warn"} 0', 'plumbline_alert_attempts_total{outcome="delivered"} 2'):
            self.assertIn(line + "\n", text)
        self.eventually(lambda: 'plumbline_alert_deliveries{org="default",state="pending"} 0\n' in self.server.admin().get("/metrics").text)

    def test_two_servers_tell_once(self):
        other = self.serve(env=self.settings, database=self.server.database)
        receiver = self.receiver()
        self.team.endpoint(receiver.url)
        for won in (FAIL, OK, FAIL):
            seen = len(receiver.received)
            self.team.deals("r1", won)
            receiver.wait(seen + 1)
        time.sleep(3)
        self.assertEqual([(one.json()["data"]["id"], one.json()["data"]["to"]) for one in receiver.received], [("a1", "fail"), ("a2", "ok"), ("a3", "fail")])
        self.assertEqual(len({one.id for one in receiver.received}), 3)
        self.assertTrue(all(row["attempts"] == 1 for row in self.team.deliveries()))
        other.stop()


class Seen(Alerted):
    def test_by_whom(self):
        self.team.publish([{"metric": "win_rate", "by": by, "warn": 0.6, "fail": 0.4} for by in ("total", "rep", "team", "segment")])
        for rep in ("r1", "r2"):
            self.team.deals(rep, FAIL)
        self.team.evaluate()
        what = lambda client, query="": sorted((one["by"], one["key"]) for one in self.assert_ok(client.get(f"/v1/alerts{query}"))["data"])
        everything = [("rep", "r1"), ("rep", "r2"), ("segment", "all"), ("team", "east"), ("team", "west"), ("total", "total")]
        self.assertEqual(what(self.server.client("read")), everything)
        self.assertEqual(what(self.server.client("read", read_scope="team", team="east")), [("rep", "r1"), ("team", "east")])
        self.assertEqual(what(self.server.client("read", read_scope="self", rep="r2")), [("rep", "r2")])
        self.assertEqual(what(self.client, "?by=team"), [("team", "east"), ("team", "west")])
        self.assertEqual(what(self.client, "?key=r1"), [("rep", "r1")])
        self.assertEqual(what(self.client, "?status=ok"), [])
        self.assertEqual(what(self.client, "?metric=win_rate"), everything)
        self.assertEqual(what(self.client, "?metric=deal_size"), [])
        first = self.assert_ok(self.client.get("/v1/alerts?limit=4"))
        rest = self.assert_ok(self.client.get(f"/v1/alerts?limit=4&cursor={first['next']}"))
        self.assertEqual([one["id"] for one in first["data"] + rest["data"]], ["a6", "a5", "a4", "a3", "a2", "a1"])
        self.assertIsNone(rest["next"])
        lines = self.assert_status(self.client.get("/v1/alerts?format=csv"), 200).text.split("\r\n")
        self.assertEqual((lines[0], len(lines)), ("id,at,metric,by,key,label,team,from,to,value,ci,n,unit,currency,threshold,period,start,end,strategy", 8))
        self.assert_problem(self.server.client("ingest").get("/v1/alerts"), 403, "forbidden")
        self.assert_problem(self.client.get("/v1/alerts?state=ok"), 400, "unknown_parameter")

    def test_figures_of_single_reps_switched_off(self):
        receiver = self.receiver(503, 204)
        self.team.publish([{"metric": "win_rate", "by": by, "warn": 0.6, "fail": 0.4} for by in ("rep", "team")])
        self.team.endpoint(receiver.url, filter={"by": ["rep"]})
        self.team.deals("r1", FAIL)
        self.team.evaluate()
        waiting = self.team.settled(self.team.deliveries()[0]["id"])
        self.assertEqual(waiting["state"], "pending")
        self.assert_ok(self.client.patch("/v1/settings", {"rep_metrics": "off"}))
        self.team.due(waiting["id"])
        given_up = self.eventually(lambda: next(iter(self.team.deliveries("?state=dead")), None))
        self.assertEqual((given_up["id"], given_up["last_error"]), (waiting["id"], "not sent: figures of single reps are switched off"))
        self.team.deals("r2", FAIL)
        self.team.evaluate()
        self.assertEqual(self.team.alerts(), [("east", None, "fail"), ("west", None, "fail")])
        self.assertEqual(len(receiver.received), 1)

    def test_an_erased_person_is_in_none(self):
        receiver = self.receiver(500, 204)
        self.told(receiver)
        self.team.settled("d1")
        self.assertEqual(receiver.wait(1)[0].json()["data"]["label"], "Ann Lee")
        self.assert_ok(self.client.post("/v1/erasures", {"kind": "rep", "id": "r1"}))
        self.team.due("d1")
        self.assertEqual(receiver.wait(2)[1].json()["data"]["label"], "(erased 1)")
        self.assertEqual(self.assert_ok(self.client.get("/v1/alerts"))["data"][0]["label"], "(erased 1)")
        for table in ("alert", "alert_state", "alert_delivery"):
            self.assertNotIn("Ann", json.dumps(self.server.sql(f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE org_id = 1")))
