"""Messages as the customer sees them: text, sources, confidence in words, the AI label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatbot.store import Turn
from chatbot.types import Action, Citation, Reply
from ui import render
from ui.api import confidence
from ui.texts import Texts

LABEL = 48  # characters on a source's chip where it has no heading
Bubble = dict[str, Any]  # a message of gr.Chatbot: role and content


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


def stage(text: str) -> Bubble:
    """What the assistant does now."""
    dots = "<span></span><span></span><span></span>"
    line = f'<div class="stage"><span class="dots">{dots}</span>{render.plain(text)}</div>'
    return {"role": "assistant", "content": line}


def partial(text: str, end: str = "") -> Bubble:
    """A reply while it is written; `end` says why it stays so, e.g. "Stopped"."""
    ended = f'<div class="meta"><span class="ai">{render.plain(end)}</span></div>' if end else ""
    body = f'<div class="reply">{render.answer(text)}</div>' if text else ""
    return {"role": "assistant", "content": f'<div class="bot-turn">{body}{ended}</div>'}


def reply(answer: Reply, words: Texts) -> Bubble:
    """The final reply with its sources."""
    if answer.action is Action.WAIT:
        return notice(words("customer.silent"))
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
        who = f'<div class="who">{render.plain(words("customer.agent"))}</div>'
        said = f'<div class="said">{render.plain(turn.message.text)}</div>'
        return {"role": "assistant", "content": f'<div class="agent">{who}{said}</div>'}
    return partial(turn.message.text)


def _sources(citations: Sequence[Citation], words: Texts) -> str:
    if not citations:
        return ""
    merged: dict[int, Citation] = {}
    for citation in citations:  # one chip per passage; its first sentence is the marked one
        merged.setdefault(citation.id, citation)
    title = f'<span class="cites-title">{render.plain(words("customer.sources"))}</span>'
    chips = "".join(source(c, n) for n, c in enumerate(merged.values(), 1))
    return f'<div class="cites">{title}{chips}</div>'


def source(citation: Citation, number: int) -> str:
    """A source that opens: document and heading, the passage, its supporting sentence marked."""
    name = citation.title or citation.document
    label = citation.heading.rpartition(" › ")[2] or _first_line(citation.text) or name
    where = " › ".join(dict.fromkeys(part for part in (name, citation.heading) if part))
    return (
        f'<details class="cite"><summary><span class="cite-number">{number}</span>'
        f'<span class="cite-label">{render.plain(label)}</span></summary>'
        f'<div class="cite-body"><div class="cite-where">{render.plain(where)}</div>'
        f"<blockquote>{render.passage(citation.text, citation.sentence)}</blockquote>"
        f'<div class="cite-file">{render.plain(citation.document)}</div></div></details>'
    )


def _first_line(text: str) -> str:
    """The question of an approved answer, and what stands for a heading elsewhere."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= LABEL else line[: LABEL - 1] + "…"


def _meta(answer: Reply, words: Texts) -> str:
    label = "ai_generated" if answer.action is Action.ANSWER else "ai_assistant"
    parts = [f'<span class="ai">{render.plain(words(f"customer.{label}"))}</span>']
    if answer.action in (Action.ANSWER, Action.QUOTE) and answer.citations:
        level = confidence(answer)
        text = render.plain(words(f"customer.{level}"))
        parts.append(f'<span class="confidence {level}">{text}</span>')
    return f'<div class="meta">{"".join(parts)}</div>'
