"""The reliability of the confidence as a picture: what was expected against what held."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np

from knowledge.evidence import with_prior
from knowledge.weights import LanguageWeights, Weights, calibration_error
from ui import render
from ui.pages.notices import heading, hint
from ui.texts import Texts

SIDE, EDGE = 230, 36  # pixels of a picture, and around it
DARK, GRID, INK, FLOOR = "#0f6b62", "#e1e7e4", "#5d6a66", "#c06a2b"
NAMES = ("en", "zh", "any")  # in this order


def shown(weights: Weights | None, answerable: float, words: Texts) -> str:
    """A card with a curve per language; `answerable`: see KnowledgeSettings."""
    title = heading(words, "health.calibration", share=f"{answerable:.0%}")
    found = languages(weights)
    measured = [(name, model) for name, model in found if len(model.reliability)]
    if not measured:
        return title + hint(words("health.calibration_none"))
    pictures = "".join(_picture(name, model, answerable, words) for name, model in measured)
    rows = [
        [words(f"health.calibration_{name}"), f"{said:.0%}", f"{held:.0%}", str(int(count))]
        for name, model in measured
        for said, held, count in points(model, answerable)
    ]
    keys = ("language", "said", "held", "questions")
    names = [words("conversations.language"), *(words(f"health.calibration_{k}") for k in keys[1:])]
    table = render.table(names, rows, "calibration-bins")
    link = render.plain(words("health.calibration_file"))
    more = f'<p class="hint"><a href="/desk/calibration.csv" download>{link}</a></p>'
    opened = render.plain(words("health.calibration_table"))
    folded = f"<details><summary>{opened}</summary>{table}</details>"
    return f'{title}<div class="curves">{pictures}</div>{folded}{more}'


def csv_of(weights: Weights | None, answerable: float) -> str:
    """language, expected, answerable, questions: a line per bin."""
    lines = ["language,expected,answerable,questions"]
    for name, model in languages(weights):
        lines += [
            f"{name},{said:.4f},{held:.4f},{count:.0f}"
            for said, held, count in points(model, answerable)
        ]
    return "".join(f"{line}\n" for line in lines)


def points(model: LanguageWeights, answerable: float) -> Iterator[tuple[float, float, float]]:
    """(expected, answerable, questions) of each bin, moved from even chances to `answerable`."""
    for said, held, count in model.reliability.tolist():
        yield with_prior(said, answerable), with_prior(held, answerable), count


def languages(weights: Weights | None) -> list[tuple[str, LanguageWeights]]:
    """Each language and its weights; those of any language only where there is no other."""
    if weights is None:
        return []
    own = [(name, weights.languages[name]) for name in NAMES if name in weights.languages]
    return [(name, model) for name, model in own if name != "any"] or own


def _picture(name: str, model: LanguageWeights, answerable: float, words: Texts) -> str:
    inner = SIDE - 2 * EDGE

    def at(x: float, y: float) -> tuple[float, float]:
        return EDGE + inner * x, SIDE - EDGE - inner * y

    found = list(points(model, answerable))
    error = calibration_error(np.array(found))
    floor, _ = at(with_prior(model.floor, answerable), 0)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{DARK}"/>'
        for x, y in (at(said, held) for said, held, _ in found)
    )
    ticks = "".join(
        f'<text x="{at(v, 0)[0]:.0f}" y="{SIDE - EDGE + 14}" text-anchor="middle">{v:.0%}</text>'
        f'<text x="{EDGE - 4}" y="{at(0, v)[1] + 4:.0f}" text-anchor="end">{v:.0%}</text>'
        for v in (0.0, 0.5, 1.0)
    )
    title = (
        f"{words(f'health.calibration_{name}')} · {words('health.calibration_error')} {error:.3f}"
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" font-size="11" '
        f'font-family="sans-serif" fill="{INK}">'
        f'<rect x="{EDGE}" y="{EDGE}" width="{inner}" height="{inner}" fill="none" '
        f'stroke="{GRID}"/>'
        f'<line x1="{EDGE}" y1="{SIDE - EDGE}" x2="{SIDE - EDGE}" y2="{EDGE}" stroke="{GRID}"/>'
        f'<line x1="{floor:.1f}" x2="{floor:.1f}" y1="{EDGE}" y2="{SIDE - EDGE}" stroke="{FLOOR}" '
        f'stroke-dasharray="4 3"/><text x="{floor:.1f}" y="{EDGE - 4}" text-anchor="middle" '
        f'fill="{FLOOR}">{render.plain(words("health.calibration_floor"))}</text>'
        f'<text x="{EDGE}" y="13">{render.plain(title)}</text>{ticks}{dots}</svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    alt = render.plain(title)
    return f'<img alt="{alt}" width="{SIDE + 40}" src="data:image/svg+xml;base64,{data}">'
