"""What the floor costs, as a picture: the questions with an answer and those without, around it."""

from __future__ import annotations

import base64

import numpy as np

from knowledge.evidence import EvidenceScorer, with_prior
from knowledge.weights import Floats, LanguageWeights
from ui import render
from ui.pages.calibration_picture import languages
from ui.pages.notices import heading, hint
from ui.texts import Texts

WIDE, HIGH, EDGE = 340, 190, 34  # pixels of a picture, and around it
BARS = 20
WITH, WITHOUT, INK, FLOOR = "#0f6b62", "#c9a27e", "#5d6a66", "#c06a2b"
STEPS = tuple(step / 10 for step in range(1, 10))  # floors that the table compares


def shown(scorer: EvidenceScorer, words: Texts) -> str:
    """Two distributions per language with the floor, and what other floors would cost."""
    title = heading(words, "health.floors")
    found = [(n, m) for n, m in languages(scorer.weights) if len(m.answerable)]
    if not found:
        return title + hint(words("health.calibration_none"))
    pictures = "".join(_picture(name, model, scorer, words) for name, model in found)
    names = [words("health.floor_at")]
    for name, _ in found:
        language = words(f"health.calibration_{name}")
        names += [
            words("health.floor_answered", language=language),
            words("health.floor_refused", language=language),
        ]
    table = render.table(names, [_costs(floor, found, scorer) for floor in STEPS], "floors")
    how = hint(words("health.floor_move"))
    return f'{title}<div class="curves">{pictures}</div>{table}{how}'


def _costs(
    floor: float, found: list[tuple[str, LanguageWeights]], scorer: EvidenceScorer
) -> list[str]:
    cells = [f"{floor:.0%}"]
    for _, model in found:
        # Back to even chances, as the probabilities of the fit are kept.
        cells += [f"{s:.0%}" for s in model.shares(with_prior(floor, 1 - scorer.answerable))]
    return cells


def _picture(name: str, model: LanguageWeights, scorer: EvidenceScorer, words: Texts) -> str:
    sides = [_bars(values, scorer.answerable) for values in (model.answerable, model.unanswerable)]
    most = max(max(side) for side in sides)
    middle, tall = HIGH / 2, HIGH / 2 - EDGE
    step = (WIDE - 2 * EDGE) / BARS
    bars = "".join(
        f'<rect x="{EDGE + i * step + 1:.1f}" width="{step - 2:.1f}" height="{high:.1f}" '
        f'y="{middle - high if up else middle:.1f}" fill="{WITH if up else WITHOUT}"/>'
        for up, side in zip((True, False), sides, strict=True)
        for i, high in enumerate(tall * count / most for count in side)
    )
    floor = scorer.floor(model)
    at = EDGE + floor * (WIDE - 2 * EDGE)
    ticks = "".join(
        f'<text x="{EDGE + v * (WIDE - 2 * EDGE):.0f}" y="{HIGH - 6}" text-anchor="middle">'
        f"{v:.0%}</text>"
        for v in (0.0, 0.5, 1.0)
    )
    kept, refused = model.shares(with_prior(floor, 1 - scorer.answerable))
    title = (
        f"{words(f'health.calibration_{name}')} · {words('health.calibration_floor')} {floor:.0%}"
    )
    above, below = words("health.floor_with"), words("health.floor_without")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-size="11" '
        f'font-family="sans-serif" fill="{INK}">'
        f'<text x="{EDGE}" y="13">{render.plain(title)}</text>{bars}'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{EDGE - 12}" y2="{HIGH - EDGE + 12}" '
        f'stroke="{FLOOR}" stroke-width="1.5" stroke-dasharray="4 3"/>'
        f'<text x="{EDGE}" y="{EDGE - 6}" fill="{WITH}">{render.plain(above)} {kept:.0%}</text>'
        f'<text x="{EDGE}" y="{HIGH - EDGE + 14}" fill="#8a6239">{render.plain(below)} '
        f"{refused:.0%}</text>{ticks}</svg>"
    )
    data = base64.b64encode(svg.encode()).decode()
    alt = render.plain(f"{title}; {above} {kept:.0%}; {below} {refused:.0%}")
    return f'<img alt="{alt}" width="{WIDE + 40}" src="data:image/svg+xml;base64,{data}">'


def _bars(values: Floats, answerable: float) -> list[float]:
    """The share of these questions in each of BARS even steps of the confidence."""
    moved = [with_prior(value, answerable) for value in values.tolist()]
    counts, _ = np.histogram(moved, BARS, (0, 1))
    return (counts / len(moved)).tolist() if moved else [0.0] * BARS  # type: ignore[no-any-return]
