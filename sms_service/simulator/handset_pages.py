"""The browser handset: several basic phones side by side, working with forms alone (POST, then redirect, then GET)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from sms_service.simulator.handset_keys import HandsetKeys
from sms_service.simulator.outcomes import NETWORK_NAMES, network_of, table
from sms_service.simulator.server import Answer, Request, json_answer, plain
from sms_service.simulator.service_time import KIGALI
from sms_service.simulator.simulation import Simulation

_STATIC = Path(__file__).parent / "static"
_STATIC_TYPES = {"handset.css": "text/css; charset=utf-8", "handset.js": "text/javascript; charset=utf-8"}
_SAFE_HEADERS = (
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
)
KEYPAD = (
    ("1", ""), ("2", "abc"), ("3", "def"),
    ("4", "ghi"), ("5", "jkl"), ("6", "mno"),
    ("7", "pqrs"), ("8", "tuv"), ("9", "wxyz"),
    ("*", ""), ("0", "+"), ("#", ""),
)  # fmt: skip


class HandsetPages:
    """Everything under ``/`` that a person sees."""

    def __init__(self, simulation: Simulation, keys: HandsetKeys) -> None:
        self._sim = simulation
        self._keys = keys
        self._jinja = Environment(
            loader=PackageLoader("sms_service.simulator"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["spaced"] = spaced
        self._fault = ""

    def page(self, request: Request) -> Answer:
        """All phones, the time, and what can be added."""
        knows_time = self._sim.time.refresh()
        settings = self._sim.settings
        phones = self._sim.phones.listed()
        text = self._jinja.get_template("handset.html").render(
            phones=phones,
            networks={phone.number: NETWORK_NAMES[network_of(phone.number)] for phone in phones},
            keypad=KEYPAD,
            code=settings.ussd_code,
            short_code=settings.short_code,
            now=self._sim.time.local(),
            zone=KIGALI,
            knows_time=knows_time,
            movable=bool(settings.time_url),
            time_said=self._sim.time.said,
            fault=self._fault,
            special=table(),
        )
        self._fault = ""
        return Answer(200, text.encode(), "text/html; charset=utf-8", _SAFE_HEADERS)

    def static(self, request: Request) -> Answer:
        """The style sheet and the script."""
        name = request.path.rsplit("/", 1)[-1]
        if name not in _STATIC_TYPES:
            return plain(404, "The requested resource could not be found.")
        headers = (("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"))
        return Answer(200, (_STATIC / name).read_bytes(), _STATIC_TYPES[name], headers)

    def versions(self, request: Request) -> Answer:
        """A number that grows with each visible change, per phone; the script asks for it."""
        return json_answer({phone.number: phone.version for phone in self._sim.phones.listed()})

    def press(self, request: Request) -> Answer:
        """A key of one phone."""

        def work(fields: dict[str, str]) -> str:
            number = fields.get("number", "")
            self._keys.press(number, fields.get("do", "ok"), fields.get("entry", ""))
            return f"/#phone-{number.lstrip('+')}"

        return self._after_post(request, work)

    def add(self, request: Request) -> Answer:
        """One more phone."""

        def work(fields: dict[str, str]) -> str:
            return f"/#phone-{self._keys.add(fields.get('number', ''), fields.get('label', '')).lstrip('+')}"

        return self._after_post(request, work)

    def forward(self, request: Request) -> Answer:
        """The service's time moves to its next event."""

        def work(fields: dict[str, str]) -> str:
            self._sim.time.forward()
            return "/#time"

        return self._after_post(request, work)

    def _after_post(self, request: Request, work: Callable[[dict[str, str]], str]) -> Answer:
        """Do the work of a form and send the browser back; only forms of this page are heard."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return plain(403, "Use the handset on its own page.")
        try:
            place = work(request.form())
        except ValueError as fault:
            self._fault = str(fault)
            place = "/#fault"
        return Answer(303, headers=(("Location", place),))


def spaced(number: str) -> str:
    """A Rwandan number in the groups people read it in; any other as it is."""
    if number.startswith("+250") and len(number) == 13:
        return f"+250 {number[4:7]} {number[7:10]} {number[10:]}"
    return number
