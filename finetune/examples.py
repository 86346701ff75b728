"""Every agent's reply as an example to learn from: the prompt as served, and the reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.prompt import HISTORY_MESSAGES, messages, render
from chatbot.types import Message
from finetune.cleaning import Step
from finetune.duplicates import normalised, twins
from finetune.transcripts.conversation import Conversation
from knowledge.types import Passage

Search = Callable[[str], Sequence[Passage]]
PLACEHOLDER = re.compile(r"\[[A-Z]+_\d+\]")
HAN = re.compile(r"[\u3400-\u9fff]")
MIN_WIDTH, MAX_WIDTH = 16, 900  # of a reply, in Latin letters; a Chinese character counts as 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer's question and the reply of an agent, both masked."""

    conversation: str  # id
    language: str
    history: tuple[Message, ...]  # earlier turns, oldest first
    question: str  # everything the customer wrote since the last reply
    reply: str

    @property
    def text(self) -> str:
        """What is compared when near-duplicates are looked for."""
        return f"{self.question}\n{self.reply}"


def pairs(conversations: Iterable[Conversation]) -> list[Pair]:
    """Every agent's reply that follows a customer's turn, with the turns before."""
    found = []
    for conversation in conversations:
        said: list[Message] = []
        for turn in conversation.turns:
            role = {"customer": "user", "agent": "agent"}.get(turn.speaker, "assistant")
            if role == "agent" and said and said[-1].role == "user":
                history, question = tuple(said[:-1][-HISTORY_MESSAGES:]), said[-1].text
                language = conversation.language
                found.append(Pair(conversation.id, language, history, question, turn.text))
            said.append(Message(role, turn.text))  # type: ignore[arg-type]
    return found


def usable(found: Sequence[Pair]) -> tuple[list[Pair], tuple[Step, ...]]:
    """Without replies that are too short or long, invent personal data, or repeat another."""
    kept, funnel = (
        list(found),
        [Step("replies", len(found), 0, "replies", "of agents to customers")],
    )
    for name, reason, step in (
        ("length", f"shorter than {MIN_WIDTH} or longer than {MAX_WIDTH} letters", _in_length),
        ("placeholders", "hold personal data that the customer did not write", _without_own_data),
        ("duplicates", "the same as or nearly another reply (Jaccard ≥ 0.8, same numbers)", _once),
    ):
        before, kept = len(kept), step(kept)
        funnel.append(Step(name, len(kept), before - len(kept), "replies", reason))
    return kept, tuple(funnel)


def _in_length(found: Sequence[Pair]) -> list[Pair]:
    return [
        p for p in found if MIN_WIDTH <= len(p.reply) + 2 * len(HAN.findall(p.reply)) <= MAX_WIDTH
    ]


def _without_own_data(found: Sequence[Pair]) -> list[Pair]:
    """A placeholder in a reply must come from the prompt, else the model learns to invent them."""
    kept = []
    for pair in found:
        known = " ".join([pair.question, *(message.text for message in pair.history)])
        if set(PLACEHOLDER.findall(pair.reply)) <= set(PLACEHOLDER.findall(known)):
            kept.append(pair)
    return kept


def _once(found: Sequence[Pair]) -> list[Pair]:
    """The first of replies that say the same; other numbers are another answer."""
    replies = [pair.reply for pair in found]
    numbers = [re.findall(r"\d+", reply) for reply in replies]
    seen: dict[str, int] = {}
    repeated = {i for i, reply in enumerate(replies) if seen.setdefault(normalised(reply), i) != i}
    repeated |= {j for i, j in twins(replies) if numbers[i] == numbers[j]}
    return [pair for i, pair in enumerate(found) if i not in repeated]


@dataclass(frozen=True, slots=True)
class Example:
    """A pair as token ids: `ids` is prompt and reply, the last `supervised` of them are learnt."""

    pair: Pair
    ids: tuple[int, ...]
    supervised: int  # tokens, ≥ 1: the reply and the stop token
    passages: int  # how many are in the prompt

    @property
    def prompt(self) -> tuple[int, ...]:
        """What serving would hand to the model."""
        return self.ids[: -self.supervised]


def encode(
    found: Iterable[Pair], tokenizer: Any, search: Search | None, passages: int, max_tokens: int
) -> tuple[list[Example], Step]:
    """Render each pair as serving does, with at most `passages` of what `search` finds.

    A prompt above `max_tokens` loses its worst passage, then its oldest turn, never a part of the
    reply. Refused are pairs that do not fit at all or have nothing to learn.
    """
    kept, refused = [], 0
    for pair in found:
        evidence = tuple(search(pair.question))[:passages] if search and passages else ()
        example = _fitting(pair, evidence, tokenizer, max_tokens)
        if example is None:
            refused += 1
        else:
            kept.append(example)
    reason = f"over {max_tokens} tokens even without passages, or nothing to learn"
    return kept, Step("encoding", len(kept), refused, "replies", reason)


def _fitting(
    pair: Pair, evidence: tuple[Passage, ...], tokenizer: Any, max_tokens: int
) -> Example | None:
    history = pair.history
    while True:
        example = encoded(pair, history, evidence, tokenizer)
        if example is not None and len(example.ids) <= max_tokens:
            return example
        if evidence:
            evidence = evidence[:-1]
        elif history:
            history = history[1:]
        else:
            return None


def encoded(
    pair: Pair, history: Sequence[Message], evidence: Sequence[Passage], tokenizer: Any
) -> Example | None:
    """One example; None when its reply has no token or does not end with the stop token."""
    chat = messages(pair.question, history, evidence, pair.language)
    prompt = render(tokenizer, chat)
    ids = render(tokenizer, chat, reply=pair.reply)
    supervised = len(ids) - len(prompt)
    # supervised 1 is the stop token alone: an empty reply
    if supervised < 2 or ids[: len(prompt)] != prompt or ids[-1] != tokenizer.eos_token_id:
        return None
    return Example(pair, tuple(ids), supervised, len(evidence))
