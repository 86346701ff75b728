"""The desk's approved answers: search, edit, switch off, delete, and try what would answer."""

from __future__ import annotations

from typing import Any, Literal

import gradio as gr

from chatbot.app import App
from chatbot.trial import trial
from knowledge.errors import KnowledgeError
from knowledge.faq import Candidate
from knowledge.keywords import fold
from knowledge.pairs import LONGEST_ANSWER, Pair
from ui import render
from ui.labels import Labels
from ui.pages.notices import QUIET, tick
from ui.texts import Texts, texts

COLUMNS = ("question", "answer", "state", "hits", "last_hit", "collection", "id")
WIDTHS = [300, 330, 120, 75, 145, 110, 130]
SHOWN_PAIRS = 200  # of the list; more make the page slow
SHOWN_ANSWER = 90  # characters in the list


class ApprovedTab:
    """What staff do with approved answers."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._knowledge, self._approved = app.knowledge, app.knowledge.approved
        self._settings = app.assistant.settings
        self._labels = labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        self._language = language
        opened: gr.State = gr.State(0)
        self.filled = [opened]
        self._list_section()
        self._editor_section()
        self._trial_section()
        self._events(opened)

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`; the list follows at once, with what is chosen by then."""
        del language
        return {self.filled[0]: tick()}

    def _listed(self, language: str, wanted: str | None, removed: bool) -> dict[Any, Any]:
        """The pairs that hold the wanted words. removed: with those that were removed."""
        words = texts(language)
        found = _matching(self._approved.pairs(removed=removed), wanted or "")
        shown = [_row(pair, words) for pair in found[:SHOWN_PAIRS]]
        hint = (
            "" if found else words("approved.none" if (wanted or "").strip() else "approved.empty")
        )
        if len(found) > SHOWN_PAIRS:
            hint = words("approved.more", shown=SHOWN_PAIRS, count=len(found))
        headers = [words(f"approved.{column}") for column in COLUMNS]
        return {
            self._table: gr.update(value=shown, headers=headers, visible=bool(shown)),
            self._hint: gr.update(value=_hint(hint) if hint else "", visible=bool(hint)),
        }

    def _list_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "list"))
            with gr.Row(equal_height=True, elem_classes="form"):
                self._wanted = add(
                    gr.Textbox(
                        show_label=False,
                        container=False,
                        max_length=200,
                        scale=1,
                        min_width=200,
                        elem_id="pair-wanted",
                    ),
                    placeholder="approved.wanted",
                    label="approved.wanted",
                )
                self._removed = add(
                    gr.Checkbox(False, scale=0, min_width=170, elem_id="pair-removed"),
                    label="approved.show_removed",
                )
                add(gr.Markdown(elem_id="pair-export"), value=_export)
            self._table = gr.Dataframe(
                headers=list(COLUMNS),
                interactive=False,
                show_label=False,
                max_height=420,
                buttons=[],
                elem_id="pairs",
                elem_classes="grid",
                column_widths=WIDTHS,
            )
            self._hint = gr.Markdown("", visible=False)

    def _editor_section(self) -> None:
        add = self._labels.add
        self._chosen: gr.State = gr.State("")  # id of the pair in the editor; "": a new one
        self._armed: gr.State = gr.State(False)  # the delete button was clicked once
        with gr.Column(elem_classes="card", elem_id="pair"):
            self._title = add(gr.Markdown(), value=lambda words: _heading(words, "new"))
            self._facts = gr.Markdown("", visible=False, elem_id="pair-facts")
            self._news = gr.Markdown("", visible=False, elem_id="pair-news")
            with gr.Row(visible=False, elem_classes="buttons") as self._choice:
                self._keep = add(gr.Button(size="sm", elem_id="pair-keep"), value="approved.keep")
                self._take = add(gr.Button(size="sm", elem_id="pair-take"), value="approved.take")
            self._question = self._box("question", 1, 500)
            self._phrasings = self._box("phrasings", 4, 50_000)
            self._answer = self._box("answer", 4, LONGEST_ANSWER)
            self._collection = add(
                gr.Textbox("default", max_length=100, elem_id="pair-collection"),
                label="approved.collection",
            )
            with gr.Row(elem_classes="buttons"):
                self._save = add(
                    gr.Button(variant="primary", size="sm", elem_id="pair-save"),
                    value="approved.save",
                )
                self._switch = gr.Button("", size="sm", visible=False, elem_id="pair-switch")
                self._delete = gr.Button(
                    "", variant="stop", size="sm", visible=False, elem_id="pair-delete"
                )
                self._new = add(gr.Button(size="sm", elem_id="pair-new"), value="approved.new")
            self._said = gr.Markdown("", elem_id="pair-said")

    def _box(self, name: str, lines: int, longest: int) -> gr.Textbox:
        box = gr.Textbox(lines=lines, max_lines=12, max_length=longest, elem_id=f"pair-{name}")
        return self._labels.add(box, label=f"approved.{name}", info=f"approved.{name}_info")

    def _trial_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "try"))
            with gr.Row(equal_height=True, elem_classes="form"):
                self._asked = add(
                    gr.Textbox(
                        show_label=False,
                        container=False,
                        max_length=2_000,
                        scale=1,
                        elem_id="pair-asked",
                    ),
                    placeholder="approved.asked",
                    label="approved.asked",
                )
                self._try = add(
                    gr.Button(variant="primary", scale=0, min_width=110, elem_id="pair-try"),
                    value="approved.try",
                )
            self._found = gr.Markdown("", elem_id="pair-found")

    def _events(self, opened: gr.State) -> None:
        language, listed = self._language, [self._language, self._wanted, self._removed]
        worded = [self._title, self._facts, self._news, self._switch, self._delete]
        editor = [*worded, self._chosen, self._armed, self._choice, self._said]
        editor += [self._question, self._phrasings, self._answer, self._collection]
        chosen = [self._chosen, language]
        written = [self._question, self._phrasings, self._answer, self._collection]
        found = [self._table, self._hint]
        for changed in (opened.change, self._wanted.input, self._removed.input):
            changed(self._listed, listed, found, trigger_mode="always_last", **QUIET)
        language.input(self._reworded, chosen, worded, **QUIET)
        self._table.select(self._select, language, editor, **QUIET)
        self._new.click(lambda language: self._show(None, language), language, editor, **QUIET)
        for button, act, values in (
            (self._save, self._saved, [*chosen, *written]),
            (self._switch, self._switched, chosen),
            (self._delete, self._deleted, [*chosen, self._armed]),
            (self._keep, self._kept, chosen),
            (self._take, self._taken, chosen),
        ):
            button.click(act, values, editor, **QUIET).then(self._listed, listed, found, **QUIET)
        for trigger in (self._try.click, self._asked.submit):
            trigger(self._tried, [self._asked, language], self._found, **QUIET)

    def _select(self, language: str, event: gr.SelectData) -> dict[Any, Any]:
        try:
            pair = self._approved.find(str(event.row_value[-1]))
        except KnowledgeError as error:
            return self._failed(error, language)
        return self._show(pair, language)

    def _show(self, pair: Pair | None, language: str, said: str = "") -> dict[Any, Any]:
        """The editor with a pair, or empty for a new one."""
        return {
            **self._worded(pair, texts(language)),
            self._chosen: pair.id if pair else "",
            self._armed: False,
            self._choice: gr.update(visible=pair is not None and pair.news is not None),
            self._question: pair.question if pair else "",
            self._phrasings: "\n".join(pair.phrasings) if pair else "",
            self._answer: pair.answer if pair else "",
            self._collection: gr.update(
                value=pair.collection if pair else "default", interactive=pair is None
            ),
            self._said: f'<p class="done">{render.plain(said)}</p>' if said else "",
        }

    def _worded(self, pair: Pair | None, words: Texts) -> dict[Any, Any]:
        """What of the editor follows the language and the pair, but is not its text."""
        if pair is None:
            hidden = gr.update(visible=False)
            parts = (self._facts, self._news, self._switch, self._delete)
            return {self._title: gr.update(visible=True), **dict.fromkeys(parts, hidden)}
        switch = words("approved.disable" if pair.state == "on" else "approved.enable")
        return {
            self._title: gr.update(visible=False),
            self._facts: gr.update(value=_facts(pair, words), visible=True),
            self._news: gr.update(value=_news(pair, words), visible=True),
            self._switch: gr.update(value=switch, visible=True),
            self._delete: gr.update(
                value=words("approved.delete"), visible=pair.state != "removed"
            ),
        }

    def _reworded(self, chosen: str, language: str) -> dict[Any, Any]:
        try:
            pair = self._approved.find(chosen) if chosen else None
        except KnowledgeError:  # somebody deleted it; saving says so
            pair = None
        return self._worded(pair, texts(language))

    def _failed(self, error: KnowledgeError, language: str) -> dict[Any, Any]:
        """The reason; what was typed stays."""
        text = render.plain(texts(language)("desk.failed", error=error))
        return {self._said: f'<p class="problem">{text}</p>', self._armed: False}

    def _saved(
        self,
        chosen: str,
        language: str,
        question: str,
        phrasings: str,
        answer: str,
        collection: str,
    ) -> dict[Any, Any]:
        ways = phrasings.splitlines()
        try:
            if chosen:
                pair = self._approved.edit(chosen, question, answer, ways)
            else:
                place = collection.strip() or "default"
                pair = self._approved.add(question, answer, ways, place)
        except KnowledgeError as error:
            return self._failed(error, language)
        return self._show(pair, language, texts(language)("approved.saved"))

    def _switched(self, chosen: str, language: str) -> dict[Any, Any]:
        try:
            quiet = self._approved.find(chosen).state != "on"
            pair = self._approved.enable(chosen, enabled=quiet)
        except KnowledgeError as error:
            return self._failed(error, language)
        said = texts(language)("approved.enabled" if quiet else "approved.disabled")
        return self._show(pair, language, said)

    def _deleted(self, chosen: str, language: str, armed: bool) -> dict[Any, Any]:
        """The first click asks again, the second deletes."""
        words = texts(language)
        if not armed:
            sure = gr.update(value=words("approved.delete_sure"))
            return {self._armed: True, self._delete: sure, self._said: ""}
        try:
            pair = self._approved.remove(chosen)
        except KnowledgeError as error:
            return self._failed(error, language)
        said = words("approved.deleted_file" if pair.files else "approved.deleted")
        return self._show(None, language, said)

    def _kept(self, chosen: str, language: str) -> dict[Any, Any]:
        return self._settled(chosen, language, "keep")

    def _taken(self, chosen: str, language: str) -> dict[Any, Any]:
        return self._settled(chosen, language, "take")

    def _settled(
        self, chosen: str, language: str, choice: Literal["keep", "take"]
    ) -> dict[Any, Any]:
        try:
            pair = self._approved.settle(chosen, choice)
        except KnowledgeError as error:
            return self._failed(error, language)
        return self._show(pair, language, texts(language)("approved.saved"))

    def _tried(self, asked: str, language: str) -> str:
        words = texts(language)
        if not asked.strip():
            return ""
        try:
            found = trial(self._knowledge, self._settings, asked)
        except KnowledgeError as error:
            text = render.plain(words("desk.failed", error=error))
            return f'<p class="problem">{text}</p>'
        return _trial(found, words)


def _matching(pairs: list[Pair], wanted: str) -> list[Pair]:
    """Those with all wanted words in question, phrasings, answer or id, in either script."""
    needles = fold(wanted).split()
    if not needles:
        return pairs
    found = []
    for pair in pairs:
        text = fold("\n".join((pair.question, *pair.phrasings, pair.answer, pair.id)))
        if all(needle in text for needle in needles):
            found.append(pair)
    return found


def _row(pair: Pair, words: Texts) -> list[Any]:
    answer = " ".join(render.clean(pair.answer).split())
    return [
        render.clean(pair.question),
        answer[:SHOWN_ANSWER] + "…" if len(answer) > SHOWN_ANSWER else answer,
        _state(pair, words),
        pair.hits,
        pair.last_hit[:16].replace("T", " ") or "–",
        pair.collection,
        pair.id,
    ]


def _state(pair: Pair, words: Texts) -> str:
    if pair.gone and pair.state == "on":
        return words("approved.state_gone")
    changed = pair.news is not None and pair.state == "on"
    return words("approved.state_changed" if changed else f"approved.state_{pair.state}")


def _heading(words: Texts, part: str) -> str:
    title = render.plain(words(f"approved.{part}_title"))
    lead = render.plain(words(f"approved.{part}_lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _export(words: Texts) -> str:
    return (
        '<div class="links"><a href="/desk/approved-answers.csv" download>'
        f"{render.plain(words('approved.export'))}</a></div>"
    )


def _hint(text: str) -> str:
    return f'<p class="hint">{render.plain(text)}</p>'


def _facts(pair: Pair, words: Texts) -> str:
    """What is known of the pair in the editor, beside its text."""
    source = words(f"approved.origin_{pair.origin}", files=", ".join(pair.files) or "–")
    given = words("approved.given", count=pair.hits)
    if pair.last_hit:
        given += f" · {words('approved.last_hit')}: {pair.last_hit[:16].replace('T', ' ')} UTC"
    facts = " · ".join((_state(pair, words), source, given, pair.id))
    title = render.plain(words("approved.edit_title"))
    return f'<div class="heading"><h2>{title}</h2><p>{render.plain(facts)}</p></div>'


def _news(pair: Pair, words: Texts) -> str:
    """What files say otherwise."""
    said = [words("approved.also", answer=answer) for answer in pair.also]
    if pair.news is not None:
        said.append(words("approved.news", answer=pair.news))
    elif pair.gone:
        said.append(words("approved.gone_lead"))
    return "".join(f'<p class="problem">{render.plain(text)}</p>' for text in said)


def _trial(found: list[Candidate], words: Texts) -> str:
    """The nearest pairs with their scores, and why each answers or not."""
    answers = any(one.why == "answers" for one in found)
    kind, key = ("done", "approved.would") if answers else ("problem", "approved.would_not")
    verdict = f'<p class="{kind}">{render.plain(words(key))}</p>'
    if not found:
        return verdict
    rows = [
        [
            f"{one.phrasing}\n{one.answer}" if one.why == "answers" else one.phrasing,
            f"{one.score:.2f}",
            words(f"approved.why_{one.why}")
            + (words("approved.why_list", words=", ".join(one.words)) if one.words else ""),
        ]
        for one in found
    ]
    head = [words(f"approved.{name}") for name in ("question", "score", "why")]
    return verdict + render.table(head, rows, "trial") + _hint(words("approved.score_note"))
