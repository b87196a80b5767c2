"""The fold written a second time, the slow and plain way, and a generator of histories to hold the first one to."""
import json
import random

TRACKED = {"opportunity": ("stage", "owner", "account", "splits", "amount", "currency", "probability", "lines", "expected_close"),
           "rep": ("team", "team_from", "cost_per_hour", "cost_currency")}
STOCK = {"amount", "currency", "probability", "lines", "expected_close"}
REQUIRED = {"opportunity": {"stage": "Open"}, "account": {"name": "A"}, "rep": {"name": "R"}, "team": {"name": "T"},
            "product": {"name": "P"}}
SOURCES = ("crm", "ops")


def merge(doc, patch, full):
    """RFC 7396, "attributes" one level deep."""
    result = {} if full else {name: value for name, value in doc.items()}
    for name, value in patch.items():
        if name == "attributes" and isinstance(value, dict):
            inside = {**result.get("attributes", {}), **value}
            value = {key: inner for key, inner in inside.items() if inner is not None} or None
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def tracked(kind, doc):
    if kind == "account":
        flat = {name: value for name, value in doc.items() if name != "attributes"}
        return {**flat, **{f"attributes.{key}": value for key, value in doc.get("attributes", {}).items()}}
    return {name: doc[name] for name in TRACKED.get(kind, ()) if name in doc}


def differences(before, now):
    return {name: now.get(name) for name in {**before, **now} if before.get(name) != now.get(name)}


def quarter_hour(at):
    return at[:14], int(at[14:16]) // 15


def joins(entry, at, changes):
    """Whether a change belongs to the last entry of a track: the same instant, or worth alone within a quarter hour."""
    worth = STOCK.issuperset(changes) and STOCK.issuperset(entry["set"])
    return entry["at"] == at or (worth and quarter_hour(entry["at"]) == quarter_hour(at))


def order(event):
    return event["at"], event["event_id"].encode(), event["source"].encode()


def fold(events):
    """The state that events of one object make: doc, track, first_at, last_at, last_event, deleted_at, merged_into."""
    events = sorted(events, key=order)
    doc, deleted, merged, track, base = {}, None, None, [], {}
    for event in events:
        before = tracked(event["kind"], doc)
        if event["operation"] == "patch":
            doc = merge(doc, event["patch"], event["full"])
            if event["full"] and merged is None:
                deleted = None
        elif event["operation"] == "restore":
            deleted = merged = None
        else:
            deleted = deleted or event["at"]
            merged = event["patch"]["merged_into"] if event["operation"] == "merge" else merged
        now = tracked(event["kind"], doc)
        changes = differences(before, now)
        if changes and track and joins(track[-1], event["at"], changes):
            track[-1]["set"] = differences(base, now)
            if not track[-1]["set"]:
                track.pop()
        elif changes:
            base = before
            track.append({"at": event["at"], "set": changes})
    return {"doc": doc, "track": track, "first_at": events[0]["at"], "last_at": events[-1]["at"],
            "last_event": events[-1]["event_id"], "deleted_at": deleted, "merged_into": merged}


def states(events):
    """{(kind, id): state} of a set of events."""
    objects = {}
    for event in events:
        objects.setdefault((event["kind"], event["id"]), []).append(event)
    return {key: fold(of) for key, of in objects.items()}


class History:
    """Random events of a few objects. birth_first: each object's first event in time is the one that makes it known."""

    def __init__(self, seed, birth_first=False):
        self.random = random.Random(seed)
        self.births, self.rest, self.used = [], [], set()
        for number in range(4):
            kind = self.random.choice(list(REQUIRED))
            self.object(kind, f"{kind[0]}{number}", birth_first)

    def at(self, first=1):
        # Few instants, so that many events share one.
        return f"2024-03-{self.random.randint(first, 9):02d}T{self.random.choice((0, 12)):02d}:00:00Z"

    def patch(self, kind):
        pick = self.random.choice
        some = {"name": pick(("n1", "n2", "ü")), "owner": pick(("r1", "r2", None)), "attributes": self.attributes()}
        if kind == "opportunity":
            some |= {"stage": pick(("Open", "Won", "Lost")), "account": pick(("a1", None)), "amount": pick((1, 12.5, "7.10", None)),
                     "splits": pick(([{"rep": "r1", "percent": 100, "kind": "revenue"}], None))}
        elif kind == "account":
            some |= {"status": pick(("prospect", "customer", None)), "is_target": pick((True, False)), "parent": pick(("a9", None))}
        elif kind == "rep":
            some |= {"team": pick(("t1", "t2", None)), "cost_per_hour": pick((80, None)), "team_from": pick(("2024-01-01", None))}
        names = [name for name in some if self.random.random() < 0.4]
        return {name: some[name] for name in names if name != "attributes" or kind in ("account", "opportunity")}

    def attributes(self):
        pick = self.random.choice
        return pick((None, {}, {"x": pick((1, 2, None))}, {"x": 3, "y": pick((True, None))}, {"tags": pick((["a"], ["a", "b"], []))}))

    def object(self, kind, name, birth_first):
        earliest = "2024-02-01T00:00:00Z" if birth_first else self.at()
        birth = {**self.event(kind, name), "operation": "patch", "at": earliest}
        birth["patch"] = {**birth["patch"], **REQUIRED[kind]}
        self.add(self.births, birth)
        for _ in range(self.random.randint(0, 14)):
            event = self.event(kind, name)
            if event["operation"] == "merge":
                event["patch"] = {"merged_into": self.random.choice(("m1", "m2"))}
            elif event["operation"] != "patch":
                event["patch"] = {}
            elif event["full"]:
                event["patch"] |= {key: value for key, value in REQUIRED[kind].items() if not event["patch"].get(key)}
            self.add(self.rest, event)

    def event(self, kind, name):
        operation = self.random.choices(("patch", "delete", "restore", "merge"), (16, 2, 1, 1))[0]
        return {"kind": kind, "id": name, "operation": operation, "full": operation == "patch" and self.random.random() < 0.25,
                "at": self.at(), "source": self.random.choice(SOURCES), "patch": self.patch(kind),
                "event_id": self.random.choice((None, f"e{len(self.used)}", f"{self.random.randint(0, 999):03d}-{len(self.used)}"))}

    def add(self, to, event):
        # Two events without id and with the same content are one event; here each is a different one.
        content = json.dumps({**event, "full": bool(event["full"])}, sort_keys=True)
        if content not in self.used:
            self.used.add(content)
            to.append(event)

    def arrival(self, replays=0):
        """One order in which the events may arrive: any, but an object is unknown before its birth."""
        events = self.births + self.rest
        self.random.shuffle(events)
        for birth in self.births:
            first = next(n for n, event in enumerate(events) if (event["kind"], event["id"]) == (birth["kind"], birth["id"]))
            other = events.index(birth)
            events[first], events[other] = events[other], events[first]
        for _ in range(replays):
            again = self.random.randrange(len(events))
            events.insert(self.random.randint(again + 1, len(events)), events[again])
        return events

    def batches(self, events):
        """Cuts anywhere, and where the source changes (a batch is of one source)."""
        batches = []
        for event in events:
            if not batches or batches[-1][0]["source"] != event["source"] or self.random.random() < 0.3:
                batches.append([])
            batches[-1].append(event)
        return batches
