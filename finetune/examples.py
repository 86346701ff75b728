"""Every agent's reply as an example to learn from: the prompt as served, and the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.prompt import messages, render
from chatbot.types import Message
from finetune.funnel import Step
from finetune.pairs import Pair
from knowledge.types import Passage

Search = Callable[[str], Sequence[Passage]]


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
