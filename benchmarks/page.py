"""Many customers at once through the chat page, as gradio_client drives it: what the page adds.

    python benchmarks/page.py [--customers 50] [--turns 4] [--home FOLDER]

All ask at the same moment, wait for everybody's answer, and ask again. The same questions are asked
of the assistant directly (one call of the API, without a page), first one after another, then by as
many at once; the overhead is what the page's percentile has over that. They are also asked over the
page's protocol alone, as browsers ask, without what gradio_client takes of the processor. A refusal
is the sentence that too many ask at once; a turn without answer or refusal is lost. Server and
customers share the cores of this machine, and its limits are as shipped, except the one for an
address. Before all that nobody asks for a while: what the idle server takes of a core.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
from environment import ROOT, described
from gradio_client import Client
from load import _percentiles, _ticks, _until_idle, questions, server

from ui.texts import texts

IDLE = 30.0  # seconds that an idle server is looked at
PATIENCE = 120.0  # seconds until a turn counts as lost
REFUSED = texts("en")("customer.crowded", seconds=0).split("0")[0]  # up to the seconds


@dataclass(slots=True)
class Outcome:
    """What became of the turns."""

    answers: list[float] = field(default_factory=list)  # seconds
    refusals: list[float] = field(default_factory=list)  # seconds
    lost: int = 0

    def figures(self) -> dict[str, object]:
        return {
            "answers": len(self.answers),
            "answer_seconds": _percentiles(self.answers),
            "told_to_wait": len(self.refusals),
            "told_after_seconds": _percentiles(self.refusals),
            "lost": self.lost,
        }


Ask = Callable[[str], bool]  # whether it was answered; False: refused


def by_page(url: str) -> Ask:
    """A customer with the page open."""
    cookie = {"Cookie": f"zhike_visitor={secrets.token_hex(16)}"}
    client = Client(url, headers=cookie, verbose=False, analytics_enabled=False)

    def ask(question: str) -> bool:
        job = client.submit(question, "en", api_name="/ask")
        job.result(timeout=PATIENCE)
        return REFUSED not in str(job.outputs())

    return ask


def by_protocol(url: str) -> Ask:
    """The same as browsers ask, without what gradio_client takes of the processor for itself."""
    client = httpx.Client(base_url=url, timeout=PATIENCE)
    client.cookies.set("zhike_visitor", secrets.token_hex(16))
    functions = client.get("/config").json()["dependencies"]
    function = next(f["id"] for f in functions if f["api_name"] == "ask")
    session = secrets.token_hex(5)

    def ask(question: str) -> bool:
        body = {"data": [question, None, "en"], "fn_index": function, "session_hash": session}
        client.post("/gradio_api/queue/join", json=body).raise_for_status()
        heard = ""
        data = {"session_hash": session}
        with client.stream("GET", "/gradio_api/queue/data", params=data) as stream:
            for line in stream.iter_lines():  # the stream itself stays open for a while
                heard += line
                if "process_completed" in line:
                    return REFUSED not in heard
        raise RuntimeError(heard[-200:])

    return ask


def directly(url: str) -> Ask:
    """The same without a page."""
    client = httpx.Client(
        base_url=url, timeout=PATIENCE, headers={"X-Zhike-Visitor": secrets.token_hex(16)}
    )

    def ask(question: str) -> bool:
        answer = client.post("/api/v1/chat", json={"text": question, "language": "en"})
        if answer.status_code not in (429, 503):
            answer.raise_for_status()
        return answer.status_code == 200

    return ask


def measured(customers: list[Ask], turns: int) -> Outcome:
    """Everybody asks at the same moment, `turns` times."""
    asked, seen, lock = questions(), Outcome(), threading.Lock()
    barrier = threading.Barrier(len(customers))

    def talk(number: int) -> None:
        for turn in range(turns):
            barrier.wait()
            begin = time.perf_counter()
            try:
                answered = customers[number](asked[(number * turns + turn) % len(asked)])
            except Exception as error:  # whatever it is, the customer has no answer
                print(f"lost: {error!r}")
                with lock:
                    seen.lost += 1
                continue
            took = time.perf_counter() - begin
            with lock:
                (seen.answers if answered else seen.refusals).append(took)

    with ThreadPoolExecutor(len(customers)) as pool:
        list(pool.map(talk, range(len(customers))))
    return seen


def _more(seen: Outcome, than: dict[str, float]) -> dict[str, float]:
    found = _percentiles(seen.answers)
    return {name: round(value - than[name], 3) for name, value in found.items() if name in than}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=50)
    options.add_argument("--turns", type=int, default=4)
    options.add_argument("--home", help="kept and used again; else one with the samples is made")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as made, server(given.home or made) as (url, pid):
        measured([directly(url)], 40)
        _until_idle(pid)
        idle = _ticks(pid)
        time.sleep(IDLE)
        idle = _ticks(pid) - idle
        alone = measured([directly(url)], 20)
        direct = measured([directly(url) for _ in range(given.customers)], given.turns)
        with ThreadPoolExecutor(8) as pool:
            pages = list(pool.map(by_page, [url] * given.customers))
        page_alone = measured(pages[:1], 20)
        plain = [by_protocol(url) for _ in range(given.customers)]
        plain_alone, by_plain = measured(plain[:1], 20), measured(plain, given.turns)
        page = measured(pages, given.turns)
    told = _percentiles(direct.answers)
    figures = {
        "customers": given.customers,
        "turns_of_each": given.turns,
        "idle_percent_of_a_core": round(idle / IDLE, 1),  # hundredths of a second in seconds
        "one_directly": alone.figures(),
        "one_by_page": page_alone.figures(),
        "directly": direct.figures(),
        "by_page": page.figures(),
        "one_by_protocol": plain_alone.figures(),
        "by_protocol": by_plain.figures(),
        "overhead_seconds": _more(page, told),
        "overhead_by_protocol_seconds": _more(by_plain, told),
    }
    print(described(figures, ROOT / "samples" / "knowledge"))


if __name__ == "__main__":
    main()
