"""Every agent's reply as an example to learn from: the prompt as served, and the reply."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chatbot.phrases import phrase
from chatbot.prompt import messages, render
from chatbot.types import Message
from finetune.evidence import Evidence, Search
from finetune.funnel import Step
from finetune.pairs import Pair
from knowledge.types import Passage

UNANSWERABLE = 0.1  # of the replies, a copy each: enough to learn when to abstain, not to prefer it


@dataclass(frozen=True, slots=True)
class Example:
    """A pair as token ids: `ids` is prompt and reply, the last `supervised` of them are learnt."""

    pair: Pair
    ids: tuple[int, ...]
    supervised: int  # tokens, ≥ 1: the reply and the stop token
    passages: int  # how many are in the prompt
    evidence: tuple[str, ...] = ()  # their texts
    abstains: bool = False  # none of them answers: the right reply says so and offers a person

    @property
    def prompt(self) -> tuple[int, ...]:
        """What serving would hand to the model."""
        return self.ids[: -self.supervised]


def encode(
    found: Iterable[Pair], tokenizer: Any, search: Search | None, passages: int, max_tokens: int
) -> tuple[list[Example], Step]:
    """Render each pair as serving does, with at most `passages` of what `search` finds.

    The last place is a distractor's, a passage about something else, where there are two or more.
    A share of the questions comes a second time, with distractors alone and the reply that
    abstains; only where both keep a passage in their prompt, or the same prompt would have two
    replies. A prompt above `max_tokens` loses its distractor, then its worst passage, then its
    oldest turn, never a part of the reply. Refused are pairs that do not fit at all or have
    nothing to learn.
    """
    rows = list(found)
    shown = Evidence(rows, search if passages else None, passages)
    kept, refused, grounded = [], 0, False
    for pair, evidence, abstains in _cases(rows, shown):
        example = _fitting(
            pair,
            evidence,
            tokenizer,
            max_tokens,
            distracted=not abstains and shown.distracts(pair, evidence),
        )
        shows = example is not None and example.passages > 0
        if abstains and not (shows and grounded):
            continue
        grounded = shows
        if example is None:
            refused += 1
        else:
            kept.append(replace(example, abstains=abstains))
    reason = f"over {max_tokens} tokens even without passages, or nothing to learn"
    return kept, Step("encoding", len(kept), refused, "replies", reason)


def _cases(
    rows: Sequence[Pair], shown: Evidence
) -> Iterable[tuple[Pair, tuple[Passage, ...], bool]]:
    """(pair, passages best first, abstains); the same for a pair in every run."""
    for pair in rows:
        yield pair, shown.of(pair), False
        others = shown.others(pair)
        if others and chance(pair) < UNANSWERABLE:
            reply = phrase("no_evidence", pair.language)
            yield replace(pair, reply=reply), others, True


def chance(pair: Pair) -> float:
    """0..1, evenly spread and fixed for a pair."""
    return int(hashlib.sha256(f"abstain:{pair.id}".encode()).hexdigest()[:8], 16) / 2**32


def arranged(pair: Pair, evidence: Sequence[Passage], distracted: bool) -> list[Passage]:
    """With a distractor the order tells nothing; without one it is that of serving."""
    order = list(evidence)
    if distracted:
        random.Random(pair.id).shuffle(order)
    return order


def _fitting(
    pair: Pair, evidence: tuple[Passage, ...], tokenizer: Any, max_tokens: int, *, distracted: bool
) -> Example | None:
    history, full = pair.history, len(evidence)
    while True:
        mixed = arranged(pair, evidence, distracted and len(evidence) == full)
        example = encoded(pair, history, mixed, tokenizer)
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
    texts = tuple(passage.text for passage in evidence)
    return Example(pair, tuple(ids), supervised, len(evidence), texts)
