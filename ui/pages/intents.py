"""The desk's intents: list, edit, train, try a sentence, and see what is mixed up."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.intents.store import LONGEST_NAME, MOST_EXAMPLES, ROUTES, Definition
from ui import render
from ui.labels import Labels
from ui.pages import intent_pictures as pictures
from ui.pages.names_card import NamesCard
from ui.pages.suggested import SuggestedCard
from ui.texts import Texts, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
COLUMNS = ("name", "route", "description", "examples", "recall", "precision")
EVERY = 2  # seconds between two looks while a model is trained
WITH_ANSWER = ("approved", "smalltalk")


class IntentsTab:
    """What staff do with intents."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._model = app.assistant.intents
        self._store = app.assistant.intents.store
        self._labels = labels
        self._suggested = SuggestedCard(app, labels)
        self._names = NamesCard(app, labels)
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        self._language = language
        self._list_section()
        self._editor_section()
        self._try_section()
        self._suggested.build(language)
        self._quality_section()
        self._names.build(language)
        self.filled = [self._table, self._state, self._timer]
        self.filled += [self._pairs, self._picture, self._costs]
        self.filled += [*self._suggested.filled, *self._names.filled]
        self._events()

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`: the intents, and what is known of the model that serves."""
        words = texts(language)
        report = self._model.report()
        quality = report.quality if report else {}
        rows = [_row(d, quality.get(d.name, {}), words) for d in self._store.all()]
        return {
            self._table: gr.update(value=rows, headers=[words(f"intents.{c}") for c in COLUMNS]),
            self._state: pictures.state(report, self._training(), words),
            self._timer: gr.update(active=self._training()),
            self._pairs: pictures.pairs(report, self._store, words),
            self._picture: pictures.reliability(report, words),
            self._costs: pictures.costs(report, words),
            **self._suggested.fill(language),
            **self._names.fill(language),
        }

    def _training(self) -> bool:
        return self._model.training

    def _list_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "list"))
            self._table = gr.Dataframe(
                headers=list(COLUMNS),
                interactive=False,
                show_label=False,
                max_height=420,
                buttons=[],
                elem_id="intents",
                elem_classes="grid",
                column_widths=[140, 190, 380, 100, 110, 130],  # at least: see desk.css
            )
            self._state = gr.Markdown("", elem_id="intents-state")
            self._timer = gr.Timer(EVERY, active=False)
            with gr.Row(elem_classes="buttons"):
                self._new = add(
                    gr.Button(size="sm", variant="primary", elem_id="new-intent"),
                    value="intents.new",
                )
                self._train = add(
                    gr.Button(size="sm", elem_id="train-intents"), value="intents.train"
                )
            self._said = gr.Markdown("", elem_id="intents-said")

    def _editor_section(self) -> None:
        add = self._labels.add
        self._chosen: gr.State = gr.State("")  # name of the intent shown; "" is a new one
        self._armed: gr.State = gr.State(False)  # the remove button was clicked once
        with gr.Column(elem_classes="card", visible=False, elem_id="intent") as self._editor:
            add(gr.Markdown(), value=lambda words: _heading(words, "edit"))
            with gr.Row(equal_height=False):
                self._name = add(
                    gr.Textbox(max_length=LONGEST_NAME, elem_id="intent-name"),
                    label="intents.name",
                )
                self._route = add(
                    gr.Dropdown(list(ROUTES), value="answer", elem_id="intent-route"),
                    label="intents.route",
                    choices=lambda words: [(words(f"intents.{r}"), r) for r in ROUTES],
                )
            self._answer = add(
                gr.Textbox(max_length=2_000, visible=False, elem_id="intent-answer"),
                label="intents.reply",
                info="intents.reply_info",
            )
            self._description = add(
                gr.Textbox(max_length=2_000, elem_id="intent-description"),
                label="intents.description",
                info="intents.description_info",
            )
            self._examples = add(
                gr.Textbox(lines=8, max_lines=16, elem_id="intent-examples"),
                label="intents.examples",
                info="intents.examples_info",
            )
            with gr.Row(elem_classes="buttons"):
                self._save = add(
                    gr.Button(size="sm", variant="primary", elem_id="save-intent"),
                    value="intents.save",
                )
                self._remove = add(
                    gr.Button(size="sm", variant="stop", elem_id="remove-intent"),
                    value="intents.remove",
                )

    def _try_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "try"))
            with gr.Row(equal_height=True, elem_classes="form"):
                self._text = add(
                    gr.Textbox(
                        show_label=False, container=False, max_length=2_000, elem_id="intent-text"
                    ),
                    placeholder="intents.text",
                    label="intents.text",
                )
                self._try = add(
                    gr.Button(variant="primary", scale=0, min_width=110, elem_id="try-intent"),
                    value="intents.try",
                )
            self._found = gr.Markdown("", elem_id="intent-found")

    def _quality_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "quality"))
            self._pairs = gr.Markdown("", elem_id="intent-pairs")
            self._picture = gr.Markdown("", elem_id="intent-reliability")
            self._costs = gr.Markdown("", elem_id="intent-costs")

    def _events(self) -> None:
        language, again = self._language, (self.fill, self._language, self.filled)
        fields = [self._name, self._route, self._description, self._answer, self._examples]
        shown = [self._chosen, self._armed, self._editor, *fields, self._remove, self._said]
        self._table.select(self._show, language, shown, **QUIET)
        self._new.click(self._blank, language, shown, **QUIET)
        self._route.change(
            lambda route: gr.update(visible=route in WITH_ANSWER),
            self._route,
            self._answer,
            **QUIET,
        )
        self._save.click(self._saved, [self._chosen, *fields, language], shown, **QUIET).then(
            *again, **QUIET
        )
        self._remove.click(
            self._removed, [self._chosen, self._armed, language], shown, **QUIET
        ).then(*again, **QUIET)
        self._train.click(self._trained, language, self._said, **QUIET).then(*again, **QUIET)
        self._timer.tick(*again, **QUIET)
        for trigger in (self._try.click, self._text.submit):
            trigger(self._tried, [self._text, language], self._found, **QUIET)

    def _show(self, language: str, event: gr.SelectData) -> list[Any]:
        try:
            found = self._store.get(str(event.row_value[0]))
        except ChatbotError:  # removed meanwhile
            return self._closed("")
        return self._open(found, texts(language))

    def _blank(self, language: str) -> list[Any]:
        return self._open(Definition(""), texts(language))

    def _open(self, found: Definition, words: Texts, said: str = "") -> list[Any]:
        """The editor with an intent; values in the order of `shown`."""
        return [
            found.name,
            False,
            gr.update(visible=True),
            found.name,
            found.route,
            found.description,
            gr.update(value=found.answer, visible=found.route in WITH_ANSWER),
            "\n".join(found.examples),
            gr.update(value=words("intents.remove"), visible=bool(found.name)),
            said,
        ]

    def _closed(self, said: str) -> list[Any]:
        keep = [gr.update() for _ in range(6)]
        return ["", False, gr.update(visible=False), *keep, said]

    def _kept(self, chosen: str, said: str, armed: bool = False, **remove: str) -> list[Any]:
        """What was typed stays."""
        keep = [gr.update() for _ in range(5)]
        return [chosen, armed, gr.update(), *keep, gr.update(**remove), said]

    def _saved(
        self,
        chosen: str,
        name: str,
        route: Any,
        description: str,
        answer: str,
        examples: str,
        language: str,
    ) -> list[Any]:
        """Store the intent; the model learns it in the background."""
        words = texts(language)
        lines = tuple(line for line in examples.splitlines() if line.strip())
        kept = answer if route in WITH_ANSWER else ""
        definition = Definition(name, description, route, kept, lines)
        try:
            if chosen:
                self._store.change(chosen, definition)
            else:
                self._store.add(definition)
            found = self._store.get(" ".join(name.split()))
        except ChatbotError as error:
            return self._kept(chosen, _problem(words("desk.failed", error=error)))
        self._model.refresh()
        return self._open(found, words, _done(words("intents.saved", name=found.name)))

    def _removed(self, chosen: str, armed: bool, language: str) -> list[Any]:
        """The first click asks again, the second removes."""
        words = texts(language)
        if not armed:
            return self._kept(chosen, "", armed=True, value=words("intents.remove_sure"))
        try:
            self._store.remove(chosen)
        except ChatbotError as error:
            return self._closed(_problem(words("desk.failed", error=error)))
        self._model.refresh()
        return self._closed(_done(words("intents.removed", name=chosen)))

    def _trained(self, language: str) -> str:
        self._model.refresh(force=True)
        return _done(texts(language)("intents.started"))

    def _tried(self, text: str, language: str) -> str:
        words = texts(language)
        try:
            pattern, look = self._model.tried(text)
        except ChatbotError as error:
            return _problem(words("desk.failed", error=error))
        if pattern is not None:
            return _done(words("intents.by_pattern", name=pattern.name))
        if look is None:
            return _problem(words("intents.no_model"))
        return pictures.tried(look, self._model.pulls(text, look.guesses[0].name), words)


def _with_answer(route: str) -> Any:
    return gr.update(visible=route in WITH_ANSWER)


def _row(definition: Definition, quality: dict[str, Any], words: Texts) -> list[Any]:
    shares = [quality.get(key) for key in ("recall", "precision")]
    return [
        definition.name,
        words(f"intents.{definition.route}"),
        definition.description,
        len(definition.examples),
        *("–" if share is None else f"{share:.0%}" for share in shares),
    ]


def _heading(words: Texts, part: str) -> str:
    title = render.plain(words(f"intents.{part}_title"))
    lead = render.plain(words(f"intents.{part}_lead", most=f"{MOST_EXAMPLES:,}"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _problem(text: str) -> str:
    return f'<p class="problem">{render.plain(text)}</p>'


def _done(text: str) -> str:
    return f'<p class="done">{render.plain(text)}</p>'
