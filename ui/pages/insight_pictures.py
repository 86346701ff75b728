"""Pictures of the insights as SVG and HTML: bars a day and by kind, tables of times and gaps."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from chatbot.insights import Day, Gap, Insights, Time
from ui import render
from ui.texts import Texts

WIDE, NARROW, HIGH = 720, 340, 170  # pixels of a picture of days
EDGE = 34  # pixels around it
LONGEST = 85  # % of the room that the longest bar takes; its count stands behind it
DARK, LIGHT, GRID, INK = "#0f6b62", "#8fc4b8", "#e1e7e4", "#5d6a66"


def facts(found: Insights, words: Texts) -> str:
    """The few numbers that somebody looks at first."""
    ends = found.ends
    settled = sum(n for name, n in ends.items() if name not in ("open", "small_talk"))
    answered = found.actions.get("quote", 0) + found.actions.get("answer", 0)
    up, down = found.thumbs
    shown = (
        ("conversations", str(sum(day.conversations for day in found.days))),
        ("questions", str(found.questions)),
        ("answered", _share(answered, found.questions)),
        ("resolution", _share(ends["resolved"], settled)),
        ("satisfaction", _share(up, up + down)),
    )
    cells = "".join(
        f"<span><b>{render.plain(words(f'insights.{name}'))}</b>{render.plain(value)}</span>"
        for name, value in shown
    )
    note = render.plain(words("insights.note", up=up, down=down, settled=settled))
    return f'<div class="facts">{cells}</div><p class="hint">{note}</p>'


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def days(shown: Sequence[Day], words: Texts) -> str:
    """Questions a day, conversations in front of them; drawn once more for a phone."""
    drawn = (_days(shown, wide, name, words) for name, wide in (("wide", WIDE), ("narrow", NARROW)))
    return _titled("days", "".join(drawn), words)


def _days(shown: Sequence[Day], wide: int, name: str, words: Texts) -> str:
    """wide: pixels."""
    most = max(1, *(max(day.questions, day.conversations) for day in shown))
    step = (wide - 2 * EDGE) / len(shown)
    bars = []
    for i, day in enumerate(shown):
        for value, colour, part in ((day.questions, LIGHT, 0.8), (day.conversations, DARK, 0.45)):
            high = (HIGH - 2 * EDGE) * value / most
            bars.append(
                f'<rect x="{EDGE + step * (i + (1 - part) / 2):.1f}" y="{HIGH - EDGE - high:.1f}" '
                f'width="{step * part:.1f}" height="{high:.1f}" rx="1" fill="{colour}"/>'
            )
    every = max(1, len(shown) * 100 // wide)  # days between two dates, 100 pixels or more
    labels = "".join(
        f'<text x="{EDGE + step * (i + 0.5):.0f}" y="{HIGH - EDGE + 16}" text-anchor="middle">'
        f"{day.date:%m-%d}</text>"
        for i, day in enumerate(shown)
        if i % every == 0
    )
    grid = "".join(
        f'<line x1="{EDGE}" x2="{wide - EDGE}" y1="{y:.0f}" y2="{y:.0f}" stroke="{GRID}"/>'
        f'<text x="{EDGE - 6}" y="{y + 4:.0f}" text-anchor="end">{value:.0f}</text>'
        for value in sorted({0, most // 2, most})
        for y in [HIGH - EDGE - (HIGH - 2 * EDGE) * value / most]
    )
    return _picture(name, f"{grid}{''.join(bars)}{labels}", wide, words)


def bars(name: str, counts: Mapping[str, int], words: Texts, *, translated: bool = True) -> str:
    """A bar for each kind, with its count; nothing when there is none."""
    rows = [(kind, count) for kind, count in counts.items() if count]
    if not rows:
        return ""
    rows.sort(key=lambda row: -row[1])
    most, drawn = rows[0][1], []
    for kind, count in rows:
        label = words(f"insights.{name}_{kind}") if translated else kind
        drawn.append(
            f'<span>{render.plain(label)}</span><div class="bar">'
            f'<i style="width:{LONGEST * count / most:.1f}%"></i>{count}</div>'
        )
    return _titled(name, f'<div class="bars">{"".join(drawn)}</div>', words)


def times(shown: Sequence[Time], words: Texts) -> str:
    """The stages of a turn with their median and 95th percentile."""
    head = [words(f"insights.{n}") for n in ("step", "p50", "p95", "count")]
    rows = [[_step(t.step, words), f"{t.p50:.1f}", f"{t.p95:.1f}", str(t.count)] for t in shown]
    return _titled("times", render.table(head, rows, "times"), words)


def _step(name: str, words: Texts) -> str:
    """What both kinds of intent take is one figure here."""
    return words.named("step", "any intent" if name == "intent" else name)


def gaps(shown: Sequence[Gap], words: Texts) -> str:
    """Questions that the documents did not answer, most frequent first."""
    if not shown:
        return ""
    head = [words(f"insights.{n}") for n in ("question", "count", "language")]
    rows = [[gap.question, str(gap.count), gap.language] for gap in shown]
    return _titled("gaps", render.table(head, rows, "gaps"), words)


def _picture(name: str, inside: str, wide: int, words: Texts) -> str:
    """name: a class of desk.css that says on which screens it is shown."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {HIGH}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">{inside}</svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    alt = render.plain(words("insights.days"))
    return (
        f'<img class="{name}" alt="{alt}" style="width:100%;max-width:{wide}px" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def _titled(name: str, inside: str, words: Texts) -> str:
    return f"<h3>{render.plain(words(f'insights.{name}'))}</h3>{inside}"
