"""Messages as the customer sees them: text, sources, confidence in words, the AI label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import gradio as gr

from chatbot.store import Turn
from chatbot.types import Action, Citation, Reply
from ui import render
from ui.api import confidence
from ui.texts import Texts

LABEL = 48  # characters on a source's chip
Bubble = dict[str, Any]  # a message of gr.Chatbot: role and content


def shown(turns: Sequence[Turn], words: Texts) -> Any:
    """The conversation as an update of gr.Chatbot, thumbs and welcome included."""
    return gr.update(
        value=conversation(turns, words),
        feedback_value=ratings(turns),
        placeholder=welcome(words),
        label=words("customer.conversation"),
    )


def conversation(turns: Sequence[Turn], words: Texts) -> list[Bubble]:
    """One bubble per turn, so that the n-th bubble is the n-th turn."""
    return [_turn(turn, words) for turn in turns]


def ratings(turns: Sequence[Turn]) -> list[str | None]:
    """The stored thumbs, in the order of the assistant's bubbles as gr.Chatbot wants them."""
    thumbs = {1: "Like", -1: "Dislike", 0: None}
    return [thumbs[turn.rating] for turn in turns if turn.message.role != "user"]


def question(text: str) -> Bubble:
    """What the customer wrote."""
    return {"role": "user", "content": f'<div class="said">{render.plain(text)}</div>'}


def stage(text: str, done: Sequence[str] = ()) -> Bubble:
    """What the assistant does now, below what it has done for this message."""
    dots = '<span class="dots" aria-hidden="true"><span></span><span></span><span></span></span>'
    steps = "".join(f'<div class="step">{render.plain(step)}</div>' for step in done)
    line = f'<div class="stage">{steps}<div class="now">{dots}{render.plain(text)}</div></div>'
    return {"role": "assistant", "content": line}


def partial(text: str, end: str = "") -> Bubble:
    """A reply while it is written; `end` says why it stays so, e.g. "Stopped"."""
    ended = f'<div class="meta"><span class="ai">{render.plain(end)}</span></div>' if end else ""
    body = f'<div class="reply">{render.answer(text)}</div>' if text else ""
    return {"role": "assistant", "content": f'<div class="bot-turn">{body}{ended}</div>'}


def reply(answer: Reply, words: Texts) -> Bubble:
    """The final reply with its sources."""
    links = frozenset().union(*(render.urls(c.text) for c in answer.citations))
    body = render.answer(answer.text, links)
    parts = [
        f'<div class="reply" lang="{render.plain(answer.language)}">{body}</div>',
        _sources(answer.citations, words),
        _meta(answer, words),
    ]
    return {"role": "assistant", "content": f'<div class="bot-turn">{"".join(parts)}</div>'}


def notice(text: str) -> Bubble:
    """A line of the system: nobody said it."""
    return {"role": "assistant", "content": f'<div class="notice">{render.plain(text)}</div>'}


def _turn(turn: Turn, words: Texts) -> Bubble:
    if turn.message.role == "user":
        return question(turn.message.text)
    if turn.reply is not None:
        return reply(turn.reply, words)
    if turn.message.role == "agent":
        how = words("person.translated") if turn.translated else ""
        named = (turn.message.author, words("person.label"), how)
        label = render.plain(" · ".join(part for part in named if part))
        who = f'<div class="who">{label}</div>'
        said = f'<div class="said">{render.plain(turn.message.text)}</div>'
        return {"role": "assistant", "content": f'<div class="agent">{who}{said}</div>'}
    return partial(turn.message.text)


def _sources(citations: Sequence[Citation], words: Texts) -> str:
    if not citations:
        return ""
    title = f'<span class="cites-title">{render.plain(words("customer.sources"))}</span>'
    return f'<div class="cites">{title}{sources(citations)}</div>'


def sources(citations: Sequence[Citation]) -> str:
    """Numbered chips, one per document and heading, each with all that was cited from there."""
    places: dict[tuple[str, ...], list[Citation]] = {}
    for citation in citations:
        below = citation.heading or _first_line(citation.text)  # approved answers have no heading
        places.setdefault((citation.collection, citation.document, below), []).append(citation)
    labels = _labels([cited[0] for cited in places.values()])
    numbered = enumerate(zip(places.values(), labels, strict=True), 1)
    return "".join(_source(cited, label, n) for n, (cited, label) in numbered)


def _labels(firsts: Sequence[Citation]) -> list[str]:
    """Heading or question; where two are alike, with what tells them apart."""
    labels = [c.heading.rpartition(" › ")[2] or _first_line(c.text) for c in firsts]
    for extras in ([c.title for c in firsts], [c.heading for c in firsts]):
        alike: dict[str, set[str]] = {}
        for label, extra in zip(labels, extras, strict=True):
            alike.setdefault(label, set()).add(extra)
        labels = [
            f"{label} · {extra}" if len(alike[label]) > 1 and extra else label
            for label, extra in zip(labels, extras, strict=True)
        ]
    return [
        f"{label} · {c.document}" if labels.count(label) > 1 else label
        for label, c in zip(labels, firsts, strict=True)
    ]


def _source(cited: Sequence[Citation], label: str, number: int) -> str:
    """A source that opens: where it stands, its passages, their supporting sentences marked."""
    first = cited[0]
    question = _first_line(first.text) if _untitled(first) else ""
    name = question or first.title or first.document
    where = " › ".join(dict.fromkeys(part for part in (name, first.heading) if part))
    passages = {c.id: c.text for c in cited}
    quotes = "".join(
        f"<blockquote>{_passage(text, question, [c.sentence for c in cited if c.id == id_])}"
        "</blockquote>"
        for id_, text in passages.items()
    )
    return (
        f'<details class="cite"><summary><span class="cite-number">{number}</span>'
        f'<span class="cite-label">{render.plain(_short(label or name))}</span></summary>'
        f'<div class="cite-body"><div class="cite-where">{render.plain(where)}</div>{quotes}'
        f'<div class="cite-file">{render.plain(first.document)}</div></div></details>'
    )


def _untitled(citation: Citation) -> bool:
    """A table of approved answers: its title is only the name of its file."""
    stem = PurePath(citation.document).stem
    return not citation.heading and citation.title in ("", stem, citation.document)


def _passage(text: str, question: str, sentences: Sequence[str]) -> str:
    """The passage; without the question that stands above it already."""
    if question and not any(question in sentence for sentence in sentences):
        text = text.strip().removeprefix(question).strip() or text
    return render.passage(text, *sentences)


def _first_line(text: str) -> str:
    """The question of an approved answer, and what stands for a heading elsewhere."""
    return text.strip().partition("\n")[0]


def _short(line: str) -> str:
    return line if len(line) <= LABEL else line[: LABEL - 1] + "…"


def _meta(answer: Reply, words: Texts) -> str:
    label = "ai_generated" if answer.action is Action.ANSWER else "ai_assistant"
    parts = [f'<span class="ai">{render.plain(words(f"customer.{label}"))}</span>']
    if answer.action in (Action.ANSWER, Action.QUOTE) and answer.citations:
        level = confidence(answer)
        text = render.plain(words(f"customer.{level}"))
        parts.append(f'<span class="confidence {level}">{text}</span>')
    return f'<div class="meta">{"".join(parts)}</div>'


def welcome(words: Texts) -> str:
    """What stands in an empty conversation."""
    hello, lead = (render.plain(words(f"customer.{k}")) for k in ("welcome", "welcome_lead"))
    return (
        f'<div class="welcome"><span class="welcome-mark"></span><div class="welcome-hello">{hello}'
        f'</div><div class="welcome-lead">{lead}</div></div>'
    )
