"""The desk's conversations: the list, and each turn with the reasons behind its reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.store import SessionSummary, Turn
from chatbot.translated import Wording
from chatbot.types import Reply, Step
from ui import render
from ui.labels import Labels
from ui.pages import wording
from ui.pages.bubbles import sources
from ui.texts import Texts, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
PAGE = 25  # conversations on one page of the list


class ConversationsTab:
    """What staff read of conversations."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._store, self._wordings = app.store, app.wordings
        self._labels = labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        add = self._labels.add
        self._page: gr.State = gr.State(0)
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            self._list = gr.Radio([], show_label=False, container=False, elem_id="sessions")
            with gr.Row(elem_classes="pager"):
                newer = add(gr.Button(size="sm", min_width=80), value="conversations.newer")
                older = add(gr.Button(size="sm", min_width=80), value="conversations.older")
                refresh = add(gr.Button(size="sm", min_width=80), value="desk.refresh")
        with gr.Column(elem_classes="card", elem_id="conversation"):
            self._read = add(gr.Markdown("", elem_id="turns"), value=_choose)
        self.filled = [self._page, self._list]
        self._list.input(self._show, [self._list, language], self._read, **QUIET)
        refresh.click(self._turn_page, [self._page, language], [self._page, self._list], **QUIET)
        for button, step in ((newer, -1), (older, 1)):
            button.click(
                lambda page, language, step=step: self._turn_page(page + step, language),
                [self._page, language],
                [self._page, self._list],
                **QUIET,
            )

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`: the newest conversations."""
        page, found = self._turn_page(0, language)
        return {self._page: page, self._list: found}

    def _turn_page(self, page: int, language: str) -> list[Any]:
        page = max(page, 0)
        found = self._store.sessions(PAGE, page * PAGE)
        if not found and page:
            return self._turn_page(page - 1, language)
        words = texts(language)
        choices = [(_line(session, words), session.id) for session in found]
        return [page, gr.update(choices=choices, value=None)]

    def _show(self, session: str | None, language: str) -> str:
        words = texts(language)
        if not session:
            return _choose(words)
        known = self._wordings.of(session)
        turns = "".join(
            turn_html(turn, words, known.get(turn.message.id, ()))
            for turn in self._store.turns(session)
        )
        return f'<div class="turns">{turns}</div>'


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"conversations.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _choose(words: Texts) -> str:
    return f'<p class="hint">{render.plain(words("conversations.choose"))}</p>'


def _line(session: SessionSummary, words: Texts) -> str:
    """One conversation as a line: when, state, channel, language, turns, its last message."""
    state = words.named("conversations", session.state)
    last = " ".join(render.clean(session.last_text).split())
    facts = [
        f"{session.created[5:16].replace('T', ' ')} UTC",
        ("● " if session.waiting else "") + state,
        session.channel,
        session.language or "–",
        words("conversations.turns", count=session.turns),
    ]
    return " · ".join(facts) + "\n" + (last[:90] + "…" if len(last) > 90 else last)


def turn_html(turn: Turn, words: Texts, wordings: Sequence[Wording] = ()) -> str:
    """A message as staff read it: who, when, its second language, the reasons behind a reply."""
    role = turn.message.role
    named = (words(f"conversations.{role}"), turn.message.author)
    who = render.plain(" · ".join(part for part in named if part))
    when = render.plain(f"{turn.message.created[:19].replace('T', ' ')} UTC")
    text = (
        f'<div class="said">{render.plain(turn.message.text)}</div>'
        if turn.reply is None
        else f'<div class="reply">{render.answer(turn.message.text)}</div>'
    )
    more = _behind(turn, turn.reply, words) if turn.reply else wording.below(turn, wordings, words)
    return (
        f'<div class="turn {role}"><div class="who">{who}<span class="when">{when}</span></div>'
        f"{text}{more}</div>"
    )


def _behind(turn: Turn, reply: Reply, words: Texts) -> str:
    """Citations, rating, and the trace as a table with a reason per step."""
    cites = sources(reply.citations)
    cited = f'<div class="cites">{cites}</div>' if cites else ""
    steps = [
        [name, f"{step.ms:.0f}", step.detail]
        for name, step in zip(_step_names(reply.trace, words), reply.trace, strict=True)
    ]
    names = [words(f"conversations.{name}") for name in ("step", "ms", "detail")]
    total = sum(step.ms for step in reply.trace)
    title = f"{words('conversations.trace')} · {total:.0f} {words('conversations.ms')}"
    return (
        f"{cited}{_facts(reply, words)}{_rating(turn, words)}"
        f'<details class="trace"><summary>{render.plain(title)}</summary>'
        f"{render.table(names, steps, 'steps')}</details>"
    )


def _step_names(trace: Sequence[Step], words: Texts) -> list[str]:
    """The intent is asked twice: by patterns first, by meaning once the question is embedded."""
    names, embedded = [], False
    for step in trace:
        embedded = embedded or step.name == "embedding"
        by_meaning = step.name == "intent" and embedded
        names.append(words.named("step", "intent by meaning" if by_meaning else step.name))
    return names


def _facts(reply: Reply, words: Texts) -> str:
    def word(key: str) -> str:
        return words(f"conversations.{key}")

    facts = [
        (word("action"), words.named("action", reply.action.value)),
        (word("intent"), f"{reply.intent.name} {reply.intent.score:.2f}"),
        (word("confidence"), f"{reply.confidence:.2f}"),
        (word("engine"), reply.engine),
        (word("adapter"), reply.adapter or words("desk.none")),
        (word("escalate"), words("desk.yes") if reply.escalate else words("desk.no")),
    ]
    pairs = "".join(
        f"<span><b>{render.plain(name)}</b> {render.plain(value)}</span>" for name, value in facts
    )
    return f'<div class="facts">{pairs}</div>'


def _rating(turn: Turn, words: Texts) -> str:
    if not turn.rating:
        return ""
    key, sign = ("rated_up", "up") if turn.rating > 0 else ("rated_down", "down")
    reason = words.named("customer", f"reason_{turn.rating_reason}") if turn.rating_reason else ""
    text = " · ".join(part for part in (words(f"conversations.{key}"), reason) if part)
    return f'<div class="rating {sign}">{render.plain(text)}</div>'
