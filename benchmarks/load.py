"""Many visitors at once on a real server: how long they wait, who is told to wait, what it takes.

    python benchmarks/load.py [--visitors 100] [--seconds 60] [--pause 2] [--chats N]

Every visitor asks a question of the sample shop, waits for the answer, thinks for `--pause`
seconds, asks the next one. With `--chats` it ends after so many instead (soak). The server runs as
`zhike serve` does, with its limits, on a home with the samples; the visitors run in this process,
so on a small machine both share the cores. Memory is resident memory of the server and its
children, files are those that it has open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from environment import ROOT, described
from start import ZHIKE, _answered, _free_port

WARM = 40  # answers before memory is looked at
LONGEST = 300.0  # seconds for the server to start


@dataclass(slots=True)
class Seen:
    """What all visitors saw."""

    answers: list[float] = field(default_factory=list)  # seconds
    refusals: list[float] = field(default_factory=list)  # seconds until told to wait
    errors: Counter[str] = field(default_factory=Counter)


@contextmanager
def server(home: str) -> Iterator[tuple[str, int]]:
    """A running server: its address and process."""
    port = _free_port()
    # All visitors come from one address here, which is otherwise a limit of its own.
    environment = {**os.environ, "ZHIKE_HOME": home, "ZHIKE_SERVER_PER_ADDRESS_MINUTE": "1000000"}
    process = subprocess.Popen(
        [ZHIKE, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        begin = time.monotonic()
        while not _answered(port):
            if time.monotonic() - begin > LONGEST:
                raise SystemExit(f"No answer within {LONGEST:.0f} seconds.")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(30)


def questions() -> list[str]:
    """Of the calibration file, so that no cache has seen one twice for long."""
    lines = (ROOT / "samples" / "calibration.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines]


async def visit(url: str, number: int, until: Any, pause: float, asked: list[str], s: Seen) -> None:
    headers = {"X-Zhike-Visitor": f"{number:032x}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        await asyncio.sleep(pause * (number % 20) / 20)
        turn = number * 37
        while not until():
            begin, turn = time.monotonic(), turn + 1
            try:
                answer = await client.post("/api/v1/chat", json={"text": asked[turn % len(asked)]})
            except httpx.HTTPError as error:
                s.errors[type(error).__name__] += 1
                await asyncio.sleep(pause)
                continue
            took = time.monotonic() - begin
            if answer.status_code == 200:
                s.answers.append(took)
            elif answer.status_code in (429, 503) and "retry-after" in answer.headers:
                s.refusals.append(took)
                await asyncio.sleep(float(answer.headers["retry-after"]))
            else:
                s.errors[str(answer.status_code)] += 1
            await asyncio.sleep(pause)


async def crowd(url: str, visitors: int, until: Any, pause: float, seen: Seen) -> None:
    asked = questions()
    await asyncio.gather(*(visit(url, n, until, pause, asked, seen) for n in range(visitors)))


def used(pid: int) -> dict[str, float]:
    """Resident megabytes of a process and its children, and files that it has open."""
    pids = [pid]
    for found in pids:
        for task in Path(f"/proc/{found}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in pids)
    return {
        "megabytes": round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20),
        "files": len(os.listdir(f"/proc/{pid}/fd")),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--visitors", type=int, default=100)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--pause", type=float, default=2.0)
    options.add_argument("--chats", type=int, default=0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home, server(home) as (url, pid):
        asyncio.run(_warm_up(url))
        _until_idle(pid)  # a fresh home still reads its passages
        before, seen, begin = used(pid), Seen(), time.monotonic()

        def over() -> bool:
            if given.chats:
                return len(seen.answers) >= given.chats
            return time.monotonic() - begin > given.seconds

        asyncio.run(crowd(url, given.visitors, over, given.pause, seen))
        lasted = time.monotonic() - begin
        after = used(pid)
        time.sleep(10)
        calm = Seen()
        asyncio.run(crowd(url, 1, lambda: len(calm.answers) >= 5, 0.1, calm))
        figures = {
            "visitors": given.visitors,
            "pause_seconds": given.pause,
            "seconds": round(lasted),
            "answers": len(seen.answers),
            "answers_per_second": round(len(seen.answers) / lasted, 1),
            "answer_seconds": _percentiles(seen.answers),
            "told_to_wait": len(seen.refusals),
            "told_after_seconds": _percentiles(seen.refusals),
            "errors": dict(seen.errors),
            "before": before,
            "after": after,
            "ten_seconds_later": _percentiles(calm.answers) | used(pid),
        }
    print(described(figures, ROOT / "samples" / "knowledge"))


async def _warm_up(url: str) -> None:
    seen = Seen()
    await crowd(url, 4, lambda: len(seen.answers) >= WARM, 0.0, seen)


def _until_idle(pid: int) -> None:
    """Wait until the server has rested for five seconds."""
    rested, last = 0, _ticks(pid)
    while rested < 5:
        time.sleep(1)
        now = _ticks(pid)
        rested = rested + 1 if now - last < 10 else 0
        last = now


def _ticks(pid: int) -> int:
    """Hundredths of a second of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _percentiles(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    p50, p95, most = np.percentile(seconds, [50, 95, 100])
    return {"p50": round(p50, 3), "p95": round(p95, 3), "most": round(most, 3)}


if __name__ == "__main__":
    main()
