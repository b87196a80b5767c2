"""The sample company: its people, what it sells, whom it could sell to. Fixed tables; what happens is in history.py.

Aurelia sells software to hospitals, clinics and health insurers. That is its strategy; not every rep follows it.
"""
from dataclasses import dataclass

# ── teams and reps ───────────────────────────────────────────────────────────────────────────────
TEAMS = [  # id, name, parent
    ("sales", "Sales", None),
    ("emea", "EMEA", "sales"), ("americas", "Americas", "sales"), ("apac", "Asia-Pacific", "sales"),
    ("dach", "Germany, Austria, Switzerland", "emea"), ("uk-ie", "United Kingdom and Ireland", "emea"),
    ("us-east", "US East", "americas"), ("us-west", "US West", "americas"),
    ("anz", "Australia and New Zealand", "apac"), ("sg", "Singapore", "apac"),
]
REGION_OF_TEAM = {"dach": "emea", "uk-ie": "emea", "us-east": "americas", "us-west": "americas", "anz": "apac", "sg": "apac"}
COUNTRIES = {"emea": ["DE", "AT", "CH", "GB", "IE"], "americas": ["US", "US", "US", "CA"], "apac": ["AU", "AU", "NZ", "SG"]}
CURRENCY = {"emea": "EUR", "americas": "USD", "apac": "USD"}


@dataclass(frozen=True)
class Style:
    """How a rep decides. Shares are probabilities."""
    on: float            # a new deal is opened at an account the strategy wants
    time_on: float       # an hour without a deal goes to such an account
    inbound: float       # an off-strategy deal came by itself
    discovery: float     # a deal is opened with a discovery meeting or workshop
    talk: float          # part of a call in which the rep talks
    messages: tuple      # weights of uptime, compliance, price
    products: tuple      # weights of platform, claims, services


FOLLOWER = Style(0.88, 0.88, 0.5, 0.85, 0.44, (6, 4, 1), (6, 3, 1))
MIXED = Style(0.58, 0.60, 0.6, 0.6, 0.52, (4, 3, 3), (5, 3, 2))
OWN_WAY = Style(0.10, 0.16, 0.15, 0.2, 0.68, (1, 1, 8), (2, 1, 7))     # shops and hotels, small and quick, at the lowest price
HARVESTER = Style(0.22, 0.82, 0.8, 0.7, 0.47, (5, 4, 1), (4, 2, 4))    # works the right clients, closes what rings in

REPS = [  # id, name, team, style, first day (days before the end of the sample; None: before it begins)
    ("anna-keller", "Anna Keller", "dach", FOLLOWER, None), ("jonas-brandt", "Jonas Brandt", "dach", MIXED, None),
    ("lea-hofer", "Lea Hofer", "dach", FOLLOWER, None), ("marc-zbinden", "Marc Zbinden", "dach", MIXED, None),
    ("emily-clarke", "Emily Clarke", "uk-ie", FOLLOWER, None), ("owen-byrne", "Owen Byrne", "uk-ie", MIXED, None),
    ("priya-shah", "Priya Shah", "uk-ie", FOLLOWER, None), ("tom-hughes", "Tom Hughes", "uk-ie", HARVESTER, None),
    ("maria-lopez", "María López", "us-east", FOLLOWER, None), ("james-carter", "James Carter", "us-east", MIXED, None),
    ("aisha-brown", "Aisha Brown", "us-east", FOLLOWER, None), ("ben-rosen", "Ben Rosen", "us-east", MIXED, None),
    ("rick-dalton", "Rick Dalton", "us-west", OWN_WAY, None), ("kelly-tran", "Kelly Tran", "us-west", MIXED, None),
    ("dana-white", "Dana White", "us-west", OWN_WAY, None), ("sam-ortega", "Sam Ortega", "us-west", OWN_WAY, None),
    ("grace-liu", "Grace Liu", "anz", FOLLOWER, None), ("jack-murray", "Jack Murray", "anz", MIXED, None),
    ("mia-thompson", "Mia Thompson", "anz", MIXED, None), ("noah-walker", "Noah Walker", "anz", HARVESTER, None),
    ("wei-tan", "Wei Tan", "sg", FOLLOWER, None), ("farah-aziz", "Farah Aziz", "sg", MIXED, None),
    ("kenji-mori", "Kenji Mori", "sg", MIXED, None), ("nina-rao", "Nina Rao", "sg", FOLLOWER, 45),
]
MOVES = [  # rep, new team, days before the end of the sample
    ("kelly-tran", "us-east", 300), ("owen-byrne", "dach", 210), ("mia-thompson", "sg", 120),
]
COST_PER_HOUR = {"emea": (85, "EUR"), "americas": (95, "USD"), "apac": (70, "USD")}

# ── what is sold ─────────────────────────────────────────────────────────────────────────────────
PRODUCTS = [  # id, name, family, list price
    ("care-platform", "Care Platform", "platform", 48000), ("care-platform-pro", "Care Platform Pro", "platform", 96000),
    ("ward-mobile", "Ward Mobile", "platform", 18000),
    ("claims-desk", "Claims Desk", "claims", 36000), ("claims-fraud", "Claims Fraud Guard", "claims", 52000),
    ("onboarding", "Onboarding", "services", 9000), ("training", "Training Days", "services", 4500),
    ("custom-reports", "Custom Reports", "services", 6500),
]
STAGES = [  # id, label, outcome, probability, order
    ("qualify", "Qualify", "open", 0.10, 1), ("discovery", "Discovery", "open", 0.25, 2),
    ("proposal", "Proposal", "open", 0.50, 3), ("negotiation", "Negotiation", "open", 0.75, 4),
    ("won", "Closed won", "won", 1, 5), ("lost", "Closed lost", "lost", 0, 6),
]

# ── whom it could be sold to ─────────────────────────────────────────────────────────────────────
PLACES = {
    "emea": ["Hamburg", "München", "Köln", "Zürich", "Bern", "Wien", "Graz", "Leeds", "Bristol", "Cork", "Dublin", "Glasgow"],
    "americas": ["Boston", "Albany", "Denver", "Portland", "Fresno", "Austin", "Toronto", "Ottawa", "Tampa", "Reno", "Tulsa", "Dayton"],
    "apac": ["Sydney", "Perth", "Hobart", "Cairns", "Auckland", "Napier", "Jurong", "Changi", "Geelong", "Darwin", "Otago", "Tampines"],
}
INDUSTRIES = [  # industry, kinds of name, share of accounts, employees from..to, revenue a head (thousand), typical deal, is wanted
    ("healthcare", ["University Hospital", "General Hospital", "Medical Center"], 0.22, (1000, 14000), 120, 92000, True),
    ("healthcare", ["Clinic", "Care Group", "Orthopaedics"], 0.24, (60, 900), 110, 34000, True),
    ("insurance", ["Health Insurance", "Mutual", "Assurance"], 0.14, (300, 9000), 400, 61000, True),
    ("retail", ["Stores", "Outfitters", "Home & Garden"], 0.16, (20, 4000), 180, 27000, False),
    ("hospitality", ["Hotels", "Resorts"], 0.10, (30, 1500), 90, 22000, False),
    ("logistics", ["Freight", "Logistics"], 0.08, (80, 5000), 150, 30000, False),
    ("manufacturing", ["Works", "Precision"], 0.06, (100, 8000), 210, 33000, False),
]


def strategies(start, narrowed):
    """The document in force from the first day of the sample, and the narrower one published later (both as POST bodies)."""
    segments = [
        {"key": "hospitals", "label": "Hospitals", "target": {"bookings": 0.5, "time": 0.5},
         "when": [{"attr": "industry", "eq": "healthcare"}, {"attr": "employees", "gte": 1000}]},
        {"key": "clinics", "label": "Clinics", "target": {"bookings": 0.3, "time": 0.3},
         "when": [{"attr": "industry", "eq": "healthcare"}]},
        {"key": "insurers", "label": "Health insurers", "target": {"bookings": 0.2, "time": 0.2},
         "when": [{"attr": "industry", "eq": "insurance"}]}]
    tiers = [{"key": "core", "min": 70, "on_strategy": True}, {"key": "adjacent", "min": 50, "on_strategy": False},
             {"key": "outside", "min": 0, "on_strategy": False}]
    criteria = [
        {"key": "industry", "weight": 40, "attr": "industry",
         "match": [{"eq": "healthcare", "score": 1}, {"eq": "insurance", "score": 0.8}]},
        {"key": "size", "weight": 30, "attr": "employees",
         "match": [{"gte": 200, "score": 1}, {"gte": 80, "lt": 200, "score": 0.6}]},
        {"key": "country", "weight": 15, "attr": "country",
         "match": [{"in": ["DE", "AT", "CH", "GB", "IE", "US", "AU", "SG"], "score": 1}, {"in": ["CA", "NZ"], "score": 0.5}]},
        {"key": "named", "weight": 15, "attr": "is_target", "match": [{"eq": True, "score": 1}]}]
    common = {
        "segments": segments,
        "fit": {"criteria": criteria, "required": ["industry"], "disqualify": [{"attr": "country", "in": ["XX"]}],
                "min_coverage": 0.5, "tiers": tiers},
        "products": {"platform": 0.6, "claims": 0.3, "services": 0.1},
        "messages": [{"key": "uptime", "label": "Never down", "target": 0.5},
                     {"key": "compliance", "label": "Audit-proof", "target": 0.35},
                     {"key": "price", "label": "Lowest price", "target": 0.15}],
        "opportunistic": {"limit": 0.15, "easy_origins": ["inbound", "referral"]},
        "conduct": {"discovery_kinds": ["discovery", "workshop"], "proposal_kinds": ["proposal"], "talk_ratio_band": [0.35, 0.5]},
        "activity_minutes": {"email": 5, "call": 10, "meeting": 30, "proposal": 60},
        "index_weights": {"bookings": 0.25, "pipeline": 0.20, "time": 0.25, "product": 0.15, "message": 0.15},
        "thresholds": [{"metric": "bookings_share", "by": "rep", "warn": 0.7, "fail": 0.5, "direction": "higher"},
                       {"metric": "selling_time_share", "by": "rep", "warn": 0.65, "fail": 0.5, "direction": "higher"}],
    }
    broad_tiers = [{**tiers[0], "min": 60}, {**tiers[1], "min": 40}, tiers[2]]
    return [
        {"name": "Care first", "effective_from": start.isoformat(), **common,
         "fit": {**common["fit"], "tiers": broad_tiers}},
        {"name": "Care first, larger houses", "effective_from": narrowed.isoformat(), **common},
    ]
