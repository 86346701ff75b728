"""The desk's insights: what happened in the last days, as pictures, with the figures as CSV."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.insights import Insights, insights
from ui import render
from ui.labels import Labels
from ui.pages import insight_pictures as pictures
from ui.pages.notices import QUIET, tick
from ui.texts import Texts, texts

PERIODS = (7, 30, 90)  # days
LANGUAGES = ("", "en", "zh")


class InsightsTab:
    """Volumes, what became of questions, resolution, thumbs, times, gaps."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app = app
        self._labels = labels
        self._shown = gr.Markdown("", elem_id="insights", render=False)
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        add = self._labels.add
        opened: gr.State = gr.State(0)
        self.filled = [opened]
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            with gr.Row(elem_classes="pager"):
                self._days = add(
                    gr.Radio(
                        value=30,
                        show_label=False,
                        container=False,
                        elem_id="insight-days",
                        elem_classes="segments",
                    ),
                    choices=_periods,
                )
                self._spoken = add(
                    gr.Radio(
                        value="",
                        show_label=False,
                        container=False,
                        elem_id="insight-language",
                        elem_classes="segments",
                    ),
                    choices=_languages,
                )
            self._shown.render()
        chosen = [language, self._days, self._spoken]
        for trigger in (opened.change, self._days.input, self._spoken.input):
            trigger(self._choose, chosen, self._shown, **QUIET)

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`; the pictures follow at once, with what is chosen by then."""
        del language
        return {self.filled[0]: tick()}

    def _choose(self, language: str, days: int, spoken: str) -> dict[Any, Any]:
        words = texts(language)
        days = days if days in PERIODS else 30
        spoken = spoken if spoken in LANGUAGES else ""
        found = insights(self._app.database, days, spoken)
        query = f"days={days}&language={spoken}"
        return {self._shown: _page(found, query, words)}


def _page(found: Insights, query: str, words: Texts) -> str:
    if not found.questions:
        return f'<p class="hint">{render.plain(words("insights.nothing"))}</p>'
    parts = [
        pictures.facts(found, words),
        pictures.days(found.days, words),
        pictures.bars("actions", found.actions, words),
        pictures.bars("ends", found.ends, words),
        pictures.bars("reasons", found.reasons, words),
        pictures.bars("intents", found.intents, words, translated=False),
        pictures.times(found.times, words),
        pictures.gaps(found.gaps, words),
    ]
    save = render.plain(words("insights.save"))
    links = " · ".join(
        f'<a href="/desk/insights.csv?chart={name}&amp;{query}" download>'
        f"{render.plain(words(f'insights.{name}'))}</a>"
        for name in ("days", "actions", "ends", "reasons", "intents", "times", "gaps")
    )
    return f'<div>{"".join(parts)}<p class="hint">{save} {links}</p></div>'


def _periods(words: Texts) -> list[tuple[str, int]]:
    return [(words("insights.last_days", count=days), days) for days in PERIODS]


def _languages(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"insights.language_{name or 'all'}"), name) for name in LANGUAGES]


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"insights.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'
