"""``python -m sms_service.simulator``: start the simulated gateway and its handset page on loopback.

Prints ``simulator ready http://127.0.0.1:PORT`` on standard output once it listens; ends on SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from sms_service.simulator.outcomes import SEND_MODES, table
from sms_service.simulator.report_plans import REPORT_PLANS
from sms_service.simulator.routes import Application
from sms_service.simulator.server import SimulatorServer
from sms_service.simulator.simulation import Settings, Simulation
from sms_service.simulator.switches import Switches


def _parser() -> argparse.ArgumentParser:
    endings = "\n".join(f"  {ending}  {meaning}" for ending, meaning in table())
    modes = "\n".join(f"  {mode:<16} {meaning}" for mode, meaning in SEND_MODES.items())
    epilog = (
        f"Numbers with these endings misbehave (switch by_number off for bulk runs):\n{endings}\n\n"
        f'Values of "send" in POST /switch, for "times" calls or until changed:\n{modes}\n\n'
        f'Values of "reports": {", ".join(REPORT_PLANS)}\n\nGET /switch shows every switch with its present value.'
    )
    parser = argparse.ArgumentParser(
        prog="python -m sms_service.simulator",
        description="A local Africa's Talking for tests and demonstrations. Texts here never reach a real phone.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (loopback)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 chooses a free one")
    parser.add_argument("--record", type=Path, required=True, metavar="DIR", help="directory of record.jsonl")
    parser.add_argument("--service-url", required=True, help="the service's callbacks, with the secret at the end")
    parser.add_argument("--username", required=True, help="the username sends must carry")
    parser.add_argument("--api-key", required=True, help="the key sends must carry")
    parser.add_argument("--short-code", required=True, help="the code people text to")
    parser.add_argument("--ussd-code", required=True, help="the code people dial, such as *384*123#")
    parser.add_argument("--latency-ms", type=int, default=0, help="wait before each send answer")
    parser.add_argument("--seed", type=int, default=1, help="seed of every choice by chance")
    parser.add_argument("--reports", choices=("on", "off"), default="on", help="whether delivery reports are sent")
    parser.add_argument("--report-delay-ms", type=int, default=300, help="wait before and between delivery reports")
    parser.add_argument("--by-number", choices=("on", "off"), default="on", help="whether special endings count")
    parser.add_argument("--sender-id", action="append", default=[], help="a registered sender; without any, all are")
    parser.add_argument("--phones", type=Path, metavar="FILE.json", help='the handset page: [{"number", "label"}]')
    parser.add_argument("--time-url", default="", help="GET tells the service's time, POST action=next moves it")
    parser.add_argument("--ussd-idle-s", type=int, default=180, help="a dial ends after this silence")
    parser.add_argument("--ussd-total-s", type=int, default=600, help="a dial ends after this long")
    return parser


def main() -> int:
    """Serve until told to stop; 0 at the end, 1 when the port or the record cannot be had, 2 for wrong use."""
    options = _parser().parse_args()
    settings = Settings(
        username=options.username,
        short_code=options.short_code,
        ussd_code=options.ussd_code,
        record_dir=options.record,
        seed=options.seed,
        phones_file=options.phones,
        time_url=options.time_url,
        ussd_idle_s=options.ussd_idle_s,
        ussd_total_s=options.ussd_total_s,
    )
    switches = Switches(
        api_key=options.api_key,
        service_url=options.service_url.rstrip("/"),
        latency_ms=options.latency_ms,
        reports="normal" if options.reports == "on" else "none",
        report_delay_ms=options.report_delay_ms,
        by_number=options.by_number == "on",
        sender_ids=tuple(options.sender_id),
    )
    try:
        application = Application(Simulation.start(settings, switches))
        server = SimulatorServer(options.host, options.port, application.answer)
    except OSError as fault:
        print(f"simulator: cannot start: {fault.strerror or fault}; choose another --port or --record", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"simulator seed {options.seed}", file=sys.stderr, flush=True)
    print(f"simulator ready http://{options.host}:{server.server_port}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
