"""Many chats, one after another, on a real server: its memory and its open files stay flat.

With a large ZHIKE_CHATS the figures are printed too (`pytest -s`).
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.ui.conftest import made
from tests.ui.test_leaks import ASKED, Customer
from tests.ui.test_serve import command, port, wait_for

__all__ = ["port"]
pytestmark = pytest.mark.slow
CHATS = int(os.environ.get("ZHIKE_CHATS", "60"))
LONG = CHATS >= 600
TURNS = 3  # of a customer; every fourth comes over the page, the others over API and widget
AT_ONCE = 3  # customers
WARM = 0.2 if LONG else 0.5  # share of the chats before memory is looked at
GROWTH = 0.05 if LONG else 0.15  # of resident memory; a short run ends before caches are full
FILES = 4  # more than when warm: a connection that is being closed, a thread's database
CALM = 30.0  # seconds for connections to end


@dataclass(frozen=True, slots=True)
class Used:
    """What a server and its children take."""

    chats: int  # so far
    megabytes: float  # resident
    files: int  # open ones of the server
    threads: int


def used(pid: int, chats: int) -> Used:
    pids = [pid]
    for found in pids:
        for task in Path(f"/proc/{found}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in pids)
    megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Used(
        chats,
        round(megabytes, 1),
        len(os.listdir(f"/proc/{pid}/fd")),
        len(os.listdir(f"/proc/{pid}/task")),
    )


def calm(pid: int, chats: int) -> Used:
    """When the connections of those who left are closed: the least within a few seconds."""
    least, until = used(pid, chats), time.monotonic() + CALM
    while time.monotonic() < until:
        time.sleep(0.5)
        now = used(pid, chats)
        if now.files >= least.files:
            return least
        least = now
    return least


def talk(url: str, number: int) -> None:
    """A customer who asks, asks again with other words, and leaves."""
    customer = Customer(url, number)
    try:
        for turn in range(TURNS):
            question, answer = ASKED[(number + turn) % len(ASKED)]
            if turn == 1:  # a question that is answered by no document
                customer.say(f"Do you have the {customer.marker} kettle in red?")
            else:
                assert answer in customer.say(question)
    finally:
        customer.http.close()
        if customer.browser is not None:
            customer.browser.http.close()


@pytest.fixture
def server(home: Path, port: int) -> Iterator[tuple[str, int]]:
    """The address and the process of a server on a few documents."""
    app, _ = made(home)
    app.close()
    allowed = {"ZHIKE_SERVER_PER_ADDRESS_MINUTE": "1000000"}
    process: subprocess.Popen[str] = command(home, port, allowed)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process, 300)
        yield url, process.pid
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_memory_and_open_files_stay_flat(server: tuple[str, int]) -> None:
    url, pid = server
    rounds, each = 10, max(AT_ONCE, round(CHATS / TURNS / 10))
    seen = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(rounds):
            list(pool.map(lambda n: talk(url, n), range(number * each, (number + 1) * each)))
            seen.append(calm(pid, (number + 1) * each * TURNS))
            if LONG:
                print(json.dumps(asdict(seen[-1])))
    after = [u for n, u in enumerate(seen, 1) if n >= rounds * WARM]
    first, last = after[:2], after[-2:]
    grown = median(u.megabytes for u in last) / median(u.megabytes for u in first) - 1
    assert grown <= GROWTH, seen
    assert max(u.files for u in last) <= min(u.files for u in first) + FILES, seen
    assert max(u.threads for u in last) <= min(u.threads for u in first) + FILES, seen
