"""HubSpot as a sender: deliveries signed as it signs them, and a made-up day of a sales team."""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import random
import time
import urllib.parse

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
PUBLIC_URL = "https://plumbline.example.com"
PORTAL = 48975575
OWNERS = [str(75514700 + n) for n in range(8)]
STAGES = ["appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent"]
INDUSTRIES = ["HOSPITAL_HEALTH_CARE", "INSURANCE", "RETAIL", "BANKING"]
DAY = datetime.datetime(2026, 3, 10, 6, tzinfo=datetime.timezone.utc)


def signature_v3(body, url, at_ms, secret=SECRET):
    text = b"POST" + url.encode() + body + str(at_ms).encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


class Sender:
    """Delivers to one source over a connection that is kept; a sender's thread has one of its own."""

    def __init__(self, url, path="/v1/webhooks/hubspot", secret=SECRET, timeout=60):
        parts = urllib.parse.urlsplit(url)
        self.path, self.secret = path, secret
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)

    def deliver(self, body):
        """status, headers, body."""
        at_ms = int(time.time() * 1000)
        headers = {"Content-Type": "application/json", "X-HubSpot-Request-Timestamp": str(at_ms),
                   "X-HubSpot-Signature-v3": signature_v3(body, PUBLIC_URL + self.path, at_ms, self.secret)}
        self.connection.request("POST", self.path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def close(self):
        self.connection.close()


class Day:
    """property-change events and what else HubSpot sends, in the order in which they happened; same seed, same day.

    odd: the share of events whose value the first mapping cannot read (a number written as "12 seats"); born: the share of things that
    happen which is a new deal: 0.02 gives deals that are changed some 27 times, 0.1 some 8 times."""

    def __init__(self, events, seed=20260310, odd=0.01, born=0.02):
        self.random = random.Random(seed)
        self.events, self.odd, self.born, self.wanted = [], odd, born, events
        self.now_ms = int(DAY.timestamp() * 1000)
        self.step_ms = max(1, 12 * 3600 * 1000 // events)
        self.companies, self.deals, self.gone = [], [], []
        while len(self.events) < events:
            self.happen()
        self.events = self.events[:events]

    def happen(self):
        self.now_ms += self.random.randrange(1, 2 * self.step_ms + 1)
        roll = self.random.random()
        if len(self.companies) < 3 or roll < 0.01:
            self.make_company()
        elif len(self.deals) < 3 or roll < 0.01 + self.born:
            self.make_deal()
        elif roll < 0.02 + self.born:
            self.end()
        elif roll < 0.13 + self.born:
            self.change("company", self.random.choice(self.companies), *self.company_change())
        else:
            self.change("deal", self.random.choice(self.deals), *self.deal_change())

    def say(self, type, **members):
        self.events.append({"eventId": self.random.randrange(1, 2**31), "subscriptionId": 6527619, "portalId": PORTAL, "appId": 39522895,
                            "occurredAt": self.now_ms, "subscriptionType": type, "attemptNumber": 0, "changeSource": "CRM_UI", **members})

    def change(self, object, id, name, value):
        self.say(f"{object}.propertyChange", objectId=id, propertyName=name, propertyValue=value)

    def make_company(self):
        id = 9000000000 + len(self.companies)
        self.companies.append(id)
        self.say("company.creation", objectId=id, changeFlag="CREATED")
        for name, value in (("name", f"Company {id % 1000}"), ("industry", self.random.choice(INDUSTRIES)),
                            ("numberofemployees", str(self.random.randrange(5, 5000))), ("hubspot_owner_id", self.random.choice(OWNERS))):
            self.change("company", id, name, value)

    def make_deal(self):
        id = 332507360000 + len(self.deals) + len(self.gone)
        self.deals.append(id)
        self.say("deal.creation", objectId=id, changeFlag="CREATED")
        for name, value in (("dealname", f"Deal {id % 100000}"), ("dealstage", STAGES[0]), ("amount", self.amount()), ("deal_currency_code", "USD"),
                            ("hubspot_owner_id", self.random.choice(OWNERS)), ("pipeline", "default")):
            self.change("deal", id, name, value)
        self.say("deal.associationChange", associationType="DEAL_TO_COMPANY", fromObjectId=id, toObjectId=self.random.choice(self.companies),
                 associationRemoved=False, isPrimaryAssociation=True)

    def amount(self):
        return f"{self.random.randrange(100, 9000000) / 100:.2f}"

    def close_date(self):
        return str(self.now_ms - self.now_ms % 1000 + self.random.randrange(-5, 60) * 86400000)

    def company_change(self):
        return self.random.choice([("industry", self.random.choice(INDUSTRIES)), ("numberofemployees", str(self.random.randrange(5, 5000))),
                                   ("lifecyclestage", self.random.choice(["lead", "opportunity", "customer"]))])

    def deal_change(self):
        if self.random.random() < self.odd:
            return "seats", f"{self.random.randrange(1, 99)} seats"
        return self.random.choice([("amount", self.amount()), ("amount", ""), ("dealstage", self.random.choice(STAGES)), ("dealstage", "closedwon"),
                                   ("dealstage", "closedlost"), ("hubspot_owner_id", self.random.choice(OWNERS)), ("closedate", self.close_date()),
                                   ("dealname", f"Renamed {self.random.randrange(10**6)} ÄÖ \"x\""), ("hs_deal_stage_probability", "0.200000000000000011102230246251565404236316680908203125")])

    def end(self):
        """Some are deleted, most of those come back; some are merged into another."""
        if self.gone and self.random.random() < 0.5:
            id = self.gone.pop()
            self.deals.append(id)
            self.say("deal.restore", objectId=id)
        elif len(self.deals) > 5:
            id = self.deals.pop(self.random.randrange(len(self.deals)))
            if self.random.random() < 0.3:
                self.say("deal.merge", objectId=self.deals[0], primaryObjectId=self.deals[0], mergedObjectIds=[id], numberOfPropertiesMoved=3)
            else:
                self.gone.append(id)
                self.say("deal.deletion", objectId=id, changeFlag="DELETED")

    def clean(self, size=100):
        """In order, each once."""
        return [json.dumps(self.events[at:at + size]).encode() for at in range(0, len(self.events), size)]

    def dirty(self, size=100, twice=0.05, minutes=5):
        """As they arrive: some twice, out of order within minutes, in batches of any size, a few of them cut short on the way and sent again."""
        shuffled = [(event["occurredAt"] + self.random.randrange(minutes * 60000), event) for event in self.events]
        shuffled += [(at + self.random.randrange(minutes * 60000), {**event, "attemptNumber": 1}) for at, event in shuffled if self.random.random() < twice]
        shuffled.sort(key=lambda pair: pair[0])
        bodies, at = [], 0
        while at < len(shuffled):
            count = self.random.choice([1, 2, 10, size, size, size])
            body = json.dumps([event for _, event in shuffled[at:at + count]]).encode()
            if self.random.random() < 0.01:
                bodies.append(body[:len(body) // 2])
            bodies.append(body)
            at += count
        return bodies
