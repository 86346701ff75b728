"""What is known of an intent model, as HTML: its measures, a try, pairs, and two curves."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from chatbot.intent import Look
from chatbot.intents.report import Report
from chatbot.intents.store import IntentStore
from ui import render
from ui.texts import Texts

SIDE = 260  # pixels of the reliability picture
EDGE = 44  # pixels around it
MEASURES = ("accuracy", "calibration_error", "kept", "far_refused", "near_refused", "routed_wrong")


def state(report: Report | None, training: bool, words: Texts) -> str:
    """The measures of the model that serves, and whether a new one is being trained."""
    working = f'<p class="working">{render.plain(words("intents.training"))}</p>'
    shown = working if training else ""
    if report is None:
        return f'<div>{shown}<p class="hint">{render.plain(words("intents.no_model"))}</p></div>'
    if report.accuracy is None:
        return f'<div>{shown}<p class="hint">{render.plain(words("intents.too_few"))}</p></div>'
    values = [(name, getattr(report, name)) for name in MEASURES]
    facts = "".join(
        f"<span><b>{render.plain(words(f'intents.{name}'))}</b>{value:.1%}</span>"
        for name, value in values
        if value is not None
    )
    note = render.plain(words("intents.measured", count=report.withheld))
    return f'<div>{shown}<div class="facts">{facts}</div><p class="hint">{note}</p></div>'


def tried(look: Look, pulls: Sequence[tuple[str, float]], words: Texts) -> str:
    """The best intents with their nearest examples, and which floor decides."""
    head = [words(f"intents.{n}") for n in ("name", "chance", "nearest", "nearness")]
    rows = [
        [guess.name, f"{guess.chance:.1%}", guess.nearest or "–", f"{guess.nearness:.2f}"]
        for guess in look.guesses
    ]
    floors = look.floors
    verdict = words(
        f"intents.{look.verdict}",
        scope=f"{look.scope:.0%}",
        floor=f"{floors.scope:.0%}",
        confidence=f"{floors.confidence:.0%}",
        gap=f"{floors.gap:.0%}",
    )
    lines = f'<p class="hint">{render.plain(verdict)}</p>'
    if pulls:
        said = ", ".join(f"{word} {pull:+.2f}" for word, pull in pulls)
        lines += f'<p class="hint">{render.plain(words("intents.pulls", words=said))}</p>'
    return f"<div>{render.table(head, rows, 'pairs tries')}{lines}</div>"


def pairs(report: Report | None, store: IntentStore, words: Texts) -> str:
    """Which intents are taken for which, with the examples."""
    if report is None or report.accuracy is None:
        return f'<p class="hint">{render.plain(words("intents.too_few"))}</p>'
    if not report.pairs:
        return f'<p class="hint">{render.plain(words("intents.no_pairs"))}</p>'
    head = [words(f"intents.{n}") for n in ("own", "taken", "count", "mixed")]
    rows = []
    for pair in report.pairs:
        found = (store.example(key) for key in pair.keys)
        shown = " · ".join(example.text for example in found if example)
        rows.append([pair.own, pair.taken, str(pair.count), shown or "–"])
    return render.table(head, rows, "pairs")


def reliability(report: Report | None, words: Texts) -> str:
    """Share of right answers over the probability that was told; the line is where both agree."""
    if report is None or not report.reliability:
        return ""
    most = max(b["count"] for b in report.reliability)
    line = (
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#8fc4b8" '
        f'stroke-dasharray="4 4"/>'
    )
    dots = "".join(
        f'<circle cx="{_x(b["chance"]):.1f}" cy="{_y(b["right"]):.1f}" '
        f'r="{3 + 6 * (b["count"] / most) ** 0.5:.1f}" fill="#0f6b62" fill-opacity=".75"/>'
        for b in report.reliability
    )
    return _picture(line + dots, 1.0, ("told", "right", "reliability"), words)


def costs(report: Report | None, words: Texts) -> str:
    """Wrong routes over the share of turns whose intent decides the route, by the floor of
    confidence; the large dot is the floor that serves.
    """
    if report is None or not report.costs:
        return ""
    highest = max(1, math.ceil(25 * max(c["wrong"] for c in report.costs))) / 25  # whole per cents
    places = [(_x(c["routed"]), _y(c["wrong"] / highest)) for c in report.costs]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    floor = report.floors.get("confidence", 0.0)
    chosen = min(range(len(places)), key=lambda n: abs(report.costs[n]["confidence"] - floor))
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{8 if n == chosen else 3}" fill="#0f6b62" '
        f'fill-opacity=".75"/>'
        for n, (x, y) in enumerate(places)
    )
    curve = f'<polyline points="{line}" fill="none" stroke="#8fc4b8"/>{dots}'
    return _picture(curve, highest, ("routed", "routed_wrong", "costs"), words)


def _picture(drawn: str, highest: float, names: tuple[str, str, str], words: Texts) -> str:
    """A square from 0 to 1 and from 0 to `highest`; names: of the axes, and what it shows."""
    ticks = "".join(
        f'<text x="{_x(v):.0f}" y="{_y(0) + 16}" text-anchor="middle">{v:.0%}</text>'
        f'<text x="{EDGE - 6}" y="{_y(v) + 4:.0f}" text-anchor="end">{v * highest:.0%}</text>'
        f'<line x1="{EDGE}" x2="{EDGE + SIDE}" y1="{_y(v):.0f}" y2="{_y(v):.0f}" stroke="#e1e7e4"/>'
        for v in (0, 0.25, 0.5, 0.75, 1)
    )
    across, up, alt = (render.plain(words(f"intents.{name}")) for name in names)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE + 2 * EDGE} '
        f'{SIDE + 2 * EDGE}" font-family="sans-serif" font-size="11" fill="#5d6a66">{ticks}'
        f"{drawn}"
        f'<text x="{_x(0.5)}" y="{_y(0) + 34}" text-anchor="middle">{across}</text>'
        f'<text x="{EDGE}" y="{EDGE - 14}">{up}</text></svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<div class="reliability"><p class="hint">{alt}</p>'
        f'<img alt="{alt}" src="data:image/svg+xml;base64,{data}"></div>'
    )


def _x(value: float) -> float:
    return EDGE + SIDE * value


def _y(value: float) -> float:
    return EDGE + SIDE * (1 - value)
