"""The desk's look at transcripts before training: mapping, funnel, dropped rows, mask, presets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from finetune import config, preview
from finetune.documents import Documents
from finetune.errors import FinetuneError
from finetune.funnel import NEVER_BACK
from finetune.job import Job
from finetune.preview import Look
from finetune.put_back import PutBack
from finetune.registry import Registry
from finetune.sheets import Sheet, mapped
from knowledge.errors import KnowledgeError
from ui import render
from ui.job import job_of
from ui.labels import Labels
from ui.pages import look_pictures
from ui.pages.notices import QUIET, done, hint, problem
from ui.samples import FOLDER as SAMPLES
from ui.settings import Settings
from ui.texts import Texts, texts

SHOP = (SAMPLES / "transcripts",)
SHOWN = 50  # rows in the list
LINE = 300  # characters of a side of one
BACK = "returned"  # in place of a reason: what was put back
Updates = dict[Any, Any]
Masks = tuple[tuple[str, str], ...]  # prompt and what is learnt, of some replies


@dataclass(frozen=True, slots=True)
class Looked:
    """What this page looked at; it ends with the page."""

    paths: tuple[Path, ...]
    look: Look
    mask: Masks = ()


class LookCard:
    """Nothing here trains; what is decided (mapping, rows put back) counts for every later run."""

    def __init__(self, app: App, settings: Settings, labels: Labels) -> None:
        self._app, self._settings, self._labels = app, settings, labels

    def build(self, language: gr.Radio, source: gr.Radio, files: gr.File) -> None:
        """The components, below the files they are about, and their events."""
        add = self._labels.add
        with gr.Row(elem_classes="buttons"):
            look = add(gr.Button(size="sm", elem_id="look"), value="look.look")
        self._said = gr.Markdown("", elem_id="look-said")
        self._state: gr.State = gr.State(None)
        with gr.Column(visible=False, elem_id="looked") as self._all:
            self._files = gr.Markdown("", elem_id="look-files")
            self._map_section()
            self._funnel = gr.Markdown("", elem_id="funnel")
            self._rows_section()
            self._mask_section()
            self._costs = gr.Markdown("", elem_id="costs")
        self.outputs = [
            *(self._said, self._state, self._all, self._files, self._sheet, self._mapping),
            *(self._rows_of, self._field, self._name, self._funnel, self._reason, self._list),
            *(self._example, self._mask, self._costs),
        ]
        self._events(language, look, source, files)

    def _map_section(self) -> None:
        add = self._labels.add
        with gr.Column(visible=False, elem_id="mapping") as self._mapping:
            add(gr.Markdown(), value=lambda w: hint(w("look.map_hint")))
            with gr.Row(elem_classes="form", equal_height=True):
                self._sheet = add(gr.Dropdown([], elem_id="map-file"), label="look.file")
                self._field = add(gr.Dropdown([], elem_id="map-field"), label="look.field")
                self._name = add(gr.Dropdown([], elem_id="map-name"), label="look.name")
                self._use = add(
                    gr.Button(size="sm", scale=0, min_width=140, elem_id="map-use"),
                    value="look.use",
                )
            self._rows_of = gr.Markdown("", elem_id="map-rows")

    def _rows_section(self) -> None:
        add = self._labels.add
        self._reason = add(gr.Dropdown([], elem_id="dropped-reason"), label="look.reason")
        self._list = gr.CheckboxGroup([], show_label=False, container=False, elem_id="dropped")
        with gr.Row(elem_classes="buttons"):
            self._keep = add(gr.Button(size="sm", elem_id="put-back"), value="look.put_back")
            self._undo = add(gr.Button(size="sm", elem_id="put-out"), value="look.undo")

    def _mask_section(self) -> None:
        self._example = self._labels.add(
            gr.Dropdown([], elem_id="mask-which"), label="look.example"
        )
        self._mask = gr.Markdown("", elem_id="mask")

    def _events(
        self, language: gr.Radio, look: gr.Button, source: gr.Radio, files: gr.File
    ) -> None:
        one: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "look", **QUIET}
        look.click(self._looked, [source, files, language], self.outputs, **one)
        picked = [self._state, self._sheet]
        self._sheet.input(
            self._chosen, [*picked, language], [self._rows_of, self._field, self._name], **QUIET
        )
        self._use.click(
            self._mapped, [*picked, self._field, self._name, language], self.outputs, **one
        )
        self._reason.input(self._listed, [self._state, self._reason, language], self._list, **QUIET)
        self._example.input(
            self._masked, [self._state, self._example, language], self._mask, **QUIET
        )
        for button, act in ((self._keep, self._kept), (self._undo, self._undone)):
            button.click(act, [self._state, self._list, language], self.outputs, **one)

    def _looked(self, source: str, uploaded: list[str] | None, language: str) -> Iterator[Updates]:
        """Read the files and show all of it."""
        words = texts(language)
        if source == "upload" and not uploaded:
            yield {self._said: problem(words("training.nothing"))}
            return
        paths = tuple(Path(file) for file in uploaded or ()) if source == "upload" else SHOP
        yield from self._again(paths, words)

    def _again(self, paths: tuple[Path, ...], words: Texts, said: str = "") -> Iterator[Updates]:
        yield {self._said: f'<p class="working">{render.plain(words("look.working"))}</p>'}
        job = job_of(self._settings, paths)
        knowledge = self._app.knowledge
        known = Documents(knowledge, self._app.assistant.embedder, self._app.scorer)
        try:
            found = preview.look(self._app.database, job, known if knowledge.documents() else None)
        except (FinetuneError, ChatbotError, KnowledgeError) as error:
            yield {self._said: problem(words("desk.failed", error=error))}
            return
        masks, costs, wrong = self._encoded(job, found)
        wrong = found.wrong or wrong
        yield self._shown(Looked(paths, found, masks), words) | {
            self._said: said + (problem(words("desk.failed", error=wrong)) if wrong else ""),
            self._costs: look_pictures.presets(costs, words),
        }

    def _encoded(self, job: Job, found: Look) -> tuple[Masks, list[preview.Cost], str]:
        """Some replies as they are learnt, what each preset takes; why not, without a base."""
        pairs = found.cleaned.pairs if found.cleaned else ()
        search = preview.remembered(self._app.knowledge.search)
        try:
            tokenizer = preview.tokenizer_of(job)
            tried = {
                name: preview.tried(pairs, config.load(name), tokenizer, search)
                for name in config.names()
            }
            registry = Registry(self._app.database, self._settings.home)
            costs = preview.costs(pairs, job, registry, tried)
        except (FinetuneError, ChatbotError, KnowledgeError) as error:
            return (), [], str(error)
        first = tried[config.names()[0]]
        return tuple(preview.parts(example, tokenizer) for example in first), costs, ""

    def _shown(self, state: Looked, words: Texts) -> Updates:
        look, steps = state.look, state.look.cleaned.funnel if state.look.cleaned else ()
        names = [(sheet.file, sheet.file) for sheet in look.sheets]
        numbers = [(str(n + 1), n) for n in range(len(state.mask))]
        reasons = _reasons(look, words)
        reason = reasons[0][1] if reasons else None
        first = look.sheets[0].file if look.sheets else None
        return {
            self._state: state,
            self._all: gr.update(visible=True),
            self._files: look_pictures.files(look, words),
            self._mapping: gr.update(visible=bool(look.sheets)),
            self._sheet: gr.update(choices=names, value=first),
            **self._chosen(state, first, words.language),
            self._funnel: look_pictures.funnel(steps, words) if steps else "",
            self._reason: gr.update(choices=reasons, value=reason),
            self._list: self._listed(state, reason, words.language),
            self._example: gr.update(choices=numbers, value=0 if numbers else None),
            self._mask: self._masked(state, 0 if numbers else None, words.language),
        }

    def _chosen(self, state: Looked | None, file: str | None, language: str) -> Updates:
        """What a file's columns or people are taken for, and what they could be."""
        words, sheet = texts(language), _sheet(state, file)
        section = "field" if sheet and sheet.kind == "table" else "speaker"
        fields = [(words.named(section, name), name) for name in sheet.fields] if sheet else []
        return {
            self._rows_of: look_pictures.sheet(sheet, words),
            self._field: gr.update(choices=fields, value=None),
            self._name: gr.update(choices=list(sheet.names) if sheet else [], value=None),
        }

    def _mapped(
        self,
        state: Looked | None,
        file: str | None,
        chosen: str | None,
        name: str | None,
        language: str,
    ) -> Iterator[Updates]:
        """Take a column (or a person) for this; remembered for every file with the same header."""
        words, sheet = texts(language), _sheet(state, file)
        if state is None or sheet is None or not chosen or not name:
            yield {self._said: problem(words("look.choose_mapping"))}
            return
        if not all(path.exists() for path in state.paths):
            yield {self._said: problem(words("look.gone"))}
            return
        # Another file may have no such column: the decision is about this one.
        alone = tuple(path for path in state.paths if path.name == sheet.file) or state.paths
        job = job_of(self._settings, alone, mapping=mapped(sheet, chosen, name))
        try:
            wrong = preview.look(self._app.database, job).wrong
        except (FinetuneError, ChatbotError, KnowledgeError) as error:
            wrong = str(error)
        told = problem(wrong) if wrong else done(words("look.remembered", name=name))
        yield from self._again(state.paths, words, told)

    def _listed(self, state: Looked | None, reason: str | None, language: str) -> Any:
        """The rows that were dropped for this reason, or put back."""
        if state is None or state.look.cleaned is None or reason is None:
            return gr.update(choices=[], value=[])
        if reason == BACK:
            rows = [(row.id, row.question, row.reply, "") for row in state.look.returned]
        else:
            rows = [
                (row.id, row.question, row.reply, row.note)
                for row in state.look.cleaned.dropped
                if row.code == reason
            ]
        choices = [(_line(*row[1:]), row[0]) for row in rows[:SHOWN]]
        return gr.update(choices=choices, value=[])

    def _kept(self, state: Looked | None, chosen: list[str], language: str) -> Iterator[Updates]:
        yield from self._moved(state, chosen, language, back=True)

    def _undone(self, state: Looked | None, chosen: list[str], language: str) -> Iterator[Updates]:
        yield from self._moved(state, chosen, language, back=False)

    def _moved(
        self, state: Looked | None, chosen: list[str], language: str, *, back: bool
    ) -> Iterator[Updates]:
        """Put rows back for every run from now on, or let cleaning decide again."""
        words = texts(language)
        if state is None or not chosen:
            yield {self._said: problem(words("look.choose_rows"))}
            return
        never = {d.id for d in _dropped(state.look) if d.code in NEVER_BACK}
        if back and never & set(chosen):
            yield {self._said: problem(words("look.never"))}
            return
        store = PutBack(self._app.database)
        (store.add if back else store.remove)(chosen)
        told = done(words("look.is_back" if back else "look.is_out", count=len(chosen)))
        if not all(path.exists() for path in state.paths):
            yield {self._said: told}
            return
        yield from self._again(state.paths, words, told)

    def _masked(self, state: Looked | None, number: int | None, language: str) -> str:
        """One reply as it would be learnt."""
        if state is None or number is None or not 0 <= number < len(state.mask):
            return ""
        return look_pictures.mask(*state.mask[number], texts(language))


def _dropped(look: Look) -> Sequence[Any]:
    return look.cleaned.dropped if look.cleaned else ()


def _reasons(look: Look, words: Texts) -> list[tuple[str, str]]:
    """Every reason for which rows were dropped, with their number; then what was put back."""
    counts = Counter(row.code for row in _dropped(look))
    found = [(f"{words.named('dropped', code)} ({n})", code) for code, n in counts.most_common()]
    if look.returned:
        found.append((words("look.returned", count=len(look.returned)), BACK))
    return found


def _sheet(state: Looked | None, file: str | None) -> Sheet | None:
    sheets = state.look.sheets if state else ()
    return next((sheet for sheet in sheets if sheet.file == file), None)


def _line(question: str, reply: str, note: str) -> str:
    asked, told = (" ".join(render.clean(text).split())[:LINE] for text in (question, reply))
    return "\n".join(filter(None, (asked, f"→ {told}", render.clean(note)[:LINE])))
