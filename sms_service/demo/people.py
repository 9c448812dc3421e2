"""Who and what the demo's programme holds: tables of invented people, groups, curricula, staff and phones.

Nobody here exists: names are put together from common Rwandan ones, numbers lie in a block kept for the demo. The PINs are
public on purpose, because a visitor of the handset page needs them; a real PIN is drawn by the system and shown once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHORT_CODE: Final = "1234"
USSD_CODE: Final = "*384*123#"
LANGUAGES: Final = ("rw", "fr", "en", "sw")


@dataclass(frozen=True, slots=True)
class Demo:
    """One invented person. ``phone`` empty: reached through the facilitator. ``mood``: how the person answers texts."""

    code: str
    name: str
    sex: str
    age_band: str
    group: str = ""
    phone: str = ""
    ownership: str = "own"
    language: str = "rw"
    part: str = "member"
    kind: str = "participant"
    consents: tuple[str, ...] = ("reminders", "calls")
    mood: str = "steady"  # steady | slow | silent
    pin: str = ""
    safe_hours: str = ""
    code_word: str = ""
    literacy_aid: bool = False


@dataclass(frozen=True, slots=True)
class Circle:
    """One invented group: its pair of facilitators (woman, man), local start time and venue."""

    code: str
    programme: str
    name: str
    cell: str
    start_time: str
    venue: str
    woman: str
    man: str


ALL: Final = ("reminders", "checkins", "calls")
LEARNING: Final = ("reminders", "calls", "learning")
PAIR: Final = "shared_partner"

CIRCLES: Final = (
    Circle("G07", "CSG", "Imena", "0305-02", "14:00", "V07", "P7001", "P7002"),
    Circle("G12", "CSG", "Urumuri", "0305-04", "15:00", "V12", "P7001", "P7002"),
    Circle("G03", "WMP", "Inzira", "0201-01", "10:00", "V03", "P7003", "P7004"),
)

PEOPLE: Final = (
    # Facilitators: a woman and a man for each group.
    Demo("P7001", "Claudine Uwera", "F", "35-59", phone="0788002001", kind="facilitator", consents=(), pin="7301"),
    Demo("P7002", "Aimé Mugisha", "M", "35-59", phone="0722002002", kind="facilitator", consents=(), pin="7402"),
    Demo("P7003", "Solange Ineza", "F", "25-34", phone="0788002003", kind="facilitator", consents=(), pin="7503"),
    Demo("P7004", "Patrick Manzi", "M", "35-59", phone="0788002004", kind="facilitator", consents=(), pin="7604"),
    # G07, in its sixth week: men, and some of their partners.
    Demo("P4821", "Emmanuel Tuyishime", "M", "35-59", "G07", "0788001101", consents=ALL, pin="4821"),
    Demo("P1045", "Théo Byiringiro", "M", "35-59", "G07", "0788001102", PAIR, pin="1745"),
    Demo("P1187", "Vestine Uwamahoro", "F", "25-34", "G07", "0788001102", PAIR, part="partner", pin="6187"),
    Demo("P2290", "Damien Nshuti", "M", "60+", "G07", "0788001103", consents=ALL, code_word="umuyaga"),
    Demo("P3316", "Boniface Tuyisenge", "M", "35-59", "G07", "0722001104", PAIR),
    Demo("P3574", "Lydia Dushime", "F", "35-59", "G07", "0722001104", PAIR, part="partner"),
    Demo("P4107", "Kevin Hirwa", "M", "25-34", "G07", "0788001105", language="en", consents=ALL, mood="slow"),
    Demo("P5512", "Célestin Irakoze", "M", "35-59", "G07", "0788001106", consents=ALL),
    Demo("P6038", "Aimable Niyigena", "M", "35-59", "G07", "0788001107", consents=(*ALL, "learning"), pin="6038"),
    Demo("P6674", "Olivier Cyusa", "M", "25-34", "G07", "0722001108", language="fr", consents=ALL),
    Demo("P7203", "Gaspard Niyomugabo", "M", "35-59", "G07", "0788001109", consents=ALL),
    Demo("P7951", "Hamisi Bayisenge", "M", "25-34", "G07", "0788001110", language="sw", consents=ALL, mood="slow"),
    Demo("P8346", "Vianney Mugwaneza", "M", "35-59", "G07", "0788001111", consents=ALL, safe_hours="Mon-Sat 09:00-18:00"),
    Demo("P9120", "Anastase Shyaka", "M", "60+", "G07", literacy_aid=True),
    Demo("P2418", "Domitille Umuhoza", "F", "35-59", "G07", "0788001112", part="partner", consents=ALL),
    Demo("P2766", "Chantal Uwase", "F", "25-34", "G07", "0722001113", part="partner", mood="silent"),
    # G12, in its second week.
    Demo("P1532", "Eric Ishimwe", "M", "18-24", "G12", "0788001201", consents=ALL),
    Demo("P1679", "Alphonse Nshimiye", "M", "35-59", "G12", "0788001202", mood="slow"),
    Demo("P2831", "Samuel Ntwali", "M", "25-34", "G12", "0722001203", language="en"),
    Demo("P3049", "Léon Irakiza", "M", "35-59", "G12", "0788001204", PAIR),
    Demo("P3098", "Odette Mutoni", "F", "35-59", "G12", "0788001204", PAIR, part="partner"),
    Demo("P4420", "Félix Tuyizere", "M", "60+", "G12", "0722001205", "shared_other", literacy_aid=True),
    Demo("P5283", "Prosper Gisa", "M", "25-34", "G12", "0788001206", language="fr", mood="silent"),
    # G03, the cohort of Women and Men as Partners: trainers in pairs, the last two of the second generation.
    Demo("P1301", "Josiane Umutoni", "F", "25-34", "G03", "0788001301", kind="practitioner", language="en", consents=LEARNING),
    Demo("P1302", "Didier Ndoli", "M", "35-59", "G03", "0788001302", kind="practitioner", consents=LEARNING),
    Demo("P1303", "Espérance Niyonsaba", "F", "35-59", "G03", "0722001303", kind="practitioner", consents=LEARNING),
    Demo("P1304", "Augustin Rugero", "M", "35-59", "G03", "0788001304", kind="practitioner", language="fr", consents=LEARNING),
    Demo("P1305", "Grâce Iradukunda", "F", "25-34", "G03", "0788001305", kind="practitioner", consents=LEARNING, mood="slow"),
    Demo("P1306", "Calixte Muhire", "M", "25-34", "G03", "0722001306", kind="practitioner", language="sw", consents=LEARNING),
    Demo("P1307", "Béatha Umwiza", "F", "35-59", "G03", "0788001307", kind="practitioner", consents=LEARNING),
    Demo("P1308", "Fidèle Iragena", "M", "35-59", "G03", "0788001308", kind="practitioner", consents=LEARNING, mood="silent"),
)

# (pair, parent pair, generation, people): the pairs of G03 and whom they taught to teach.
PAIRS: Final = (
    ("R11", "", 1, ("P1301", "P1302")),
    ("R12", "", 1, ("P1303", "P1304")),
    ("R21", "R11", 2, ("P1305", "P1306")),
    ("R22", "R11", 2, ("P1307", "P1308")),
)
SECOND_GENERATION: Final = ("P1305", "P1306", "P1307", "P1308")

# (pair, kind, days before the start of the demo, hours, verified by): the women and men they reached are counts only.
ACTIVITIES: Final = (
    ("R11", "workshop", 58, 6.0, "visit"),
    ("R12", "workshop", 55, 5.0, "call"),
    ("R11", "dialogue", 41, 2.5, "none"),
    ("R12", "home_visits", 37, 4.0, "none"),
    ("R11", "coaching", 29, 3.0, "call"),
    ("R21", "workshop", 18, 5.5, "visit"),
    ("R22", "dialogue", 11, 2.0, "none"),
    ("R12", "radio", 9, 1.0, "none"),
    ("R21", "home_visits", 4, 4.0, "none"),
)

# (login, name, role, language, the facilitator's own person)
STAFF: Final = (
    ("admin", "Alice Keza", "admin", "en", ""),
    ("safeguarding", "Béatrice Uwineza", "safeguarding", "en", ""),
    ("staff", "Charles Ganza", "staff", "en", ""),
    ("staff-two", "Diane Mutesi", "staff", "fr", ""),
    ("facilitator", "Claudine Uwera", "facilitator", "en", "P7001"),
    ("reader", "Edouard Shema", "read_only", "fr", ""),
    # The second line and the coordinator of the rota: accounts without a link on the demo's first page.
    ("duty-two", "Florence Kaneza", "safeguarding", "en", ""),
    ("coordinator", "Gilbert Nkubito", "safeguarding", "fr", ""),
)
SHOWN_STAFF: Final = ("admin", "safeguarding", "staff", "staff-two", "facilitator", "reader")
DUTY: Final = (
    ("safeguarding", "0788003001"),
    ("duty-two", "0788003002"),
    ("coordinator", "0788003003"),
)
UNKNOWN_PHONE: Final = "0788004001"

# (slot, name, kind, number, area, hours, cost): see the reference data of domain section 8.1.
DIRECTORY: Final = (
    ("police", "Police emergency", "emergency", "112", "Rwanda", "24 hours", "free"),
    ("ambulance", "Ambulance (SAMU)", "emergency", "912", "Rwanda", "24 hours", "free"),
    ("health", "Ministry of Health line", "health", "114", "Rwanda", "24 hours", "free"),
)
QUESTION_SETS: Final = ("couple", "cohesion")
EXPIRED_ENTRY: Final = ("other", "Child helpline", "protection", "116", "Rwanda", "24 hours", "free")

CAMPAIGN: Final = {
    "rw": "Servas: igihe inama itaha izabera mwakimenya mukanze *384*123# mugahitamo 1.",
    "en": "Servas: to see when the next meeting is, dial *384*123# and choose 1.",
    "fr": "Servas: pour voir la date de la prochaine réunion, composez *384*123# puis 1.",
    "sw": "Servas: kujua mkutano ujao ni lini, piga *384*123# kisha chagua 1.",
}
BROADCAST: Final = {
    "rw": "Servas: guhera muri iki cyumweru, muzajye muzana ikaye n'ikaramu mu nama. Murakoze.",
    "fr": "Servas: à partir de cette semaine, venez à la réunion avec un cahier et un stylo. Merci.",
    "en": "Servas: from this week, please bring a notebook and a pen to the meeting. Thank you.",
    "sw": "Servas: kuanzia wiki hii, tafadhali leteni daftari na kalamu kwenye mkutano. Asante.",
}

# How people answer, by language: what their phones send for yes and for no.
YES: Final = {
    "rw": ("1", "yego", "Yego nzaza", "ndaza"),
    "fr": ("1", "oui", "Oui"),
    "en": ("1", "yes", "Yes"),
    "sw": ("1", "ndiyo"),
}
NO: Final = {"rw": ("2", "oya"), "fr": ("2", "non"), "en": ("2", "no"), "sw": ("2", "hapana")}
WEEKS: Final = ("3", "4", "4", "5", "3", "neza", "4/5", "2")

# (phone, label): the phones of the handset page.
HANDSET: Final = (
    ("0788001101", "P4821 own phone (PIN 4821)"),
    ("0788001102", "shared phone of P1045 (PIN 1745) and P1187 (PIN 6187)"),
    ("0788001107", "P6038 own phone, awaits a call (PIN 6038)"),
    ("0788001106", "P5512 own phone, stopped"),
    ("0788002001", "facilitator P7001 of G07 and G12 (PIN 7301)"),
    ("0788001301", "P1301 own phone, pair R11 of G03, in English"),
    ("0788003001", "duty phone (safeguarding)"),
    (UNKNOWN_PHONE, "unknown number"),
)


def e164(phone: str) -> str:
    """A demo number as written in these tables (07...) in international form."""
    return "+250" + phone[1:]


# What people answer to the nth text of a template, where the story needs it; empty: nothing.
SCRIPTED: Final = {
    ("P7203", "V6", 1): "1",
    ("P4107", "V3", 2): "fggh kk",
    ("P6674", "V5", 1): "2",
    ("P4821", "V6", 5): "",
    ("P6038", "V6", 5): "",
    ("P6038", "V6", 1): "4",
}
ABSENT: Final = {("P4821", 3), ("P6674", 4), ("P7951", 5), ("P4107", 2), ("P3316", 5)}
UNREACHABLE: Final = frozenset({"P5283"})
