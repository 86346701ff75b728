"""One answer, token by token: when it ends, and its text in whole words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Set
from typing import Any

import torch

from chatbot.generation.protocol import Sampling

# An answer that repeats 12 of its own tokens in a row is in a loop and ends there. The usual
# guards (repetition_penalty, no_repeat_ngram_size) also count the prompt, so they keep the model
# from copying its evidence: with either of them "30 days" became "14 days" or nothing.
LOOP = 12
# Where text may be cut for streaming: after white space, and after anything written without it.
BOUNDARY = re.compile(r"\s|[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


class WordStream:
    """Token ids in, text out: never half a character, and half a word only at the end."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._sent = 0  # characters

    def add(self, token: int) -> str:
        """The text that this token completes, often ""."""
        self._ids.append(token)
        text = self._text()
        if text.endswith("\ufffd"):  # the first bytes of a character
            return ""
        ends = [match.end() for match in BOUNDARY.finditer(text, self._sent)]
        return self._take(text, ends[-1]) if ends else ""

    def rest(self) -> str:
        """What was held back."""
        text = self._text().rstrip("\ufffd")
        return self._take(text, len(text))

    def _text(self) -> str:
        text: str = self._tokenizer.decode(
            self._ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def _take(self, text: str, end: int) -> str:
        piece, self._sent = text[self._sent : end], max(end, self._sent)
        return piece


class Writing:
    """One answer that is being written: what it has so far, and when it ends."""

    def __init__(
        self,
        words: WordStream,
        ends: Set[int],
        sampling: Sampling,
        emit: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._words, self._ends, self._sampling = words, ends, sampling
        self._emit, self._cancelled = emit, cancelled
        self._deadline = time.monotonic() + sampling.max_seconds
        self._ids: list[int] = []
        self._seen: set[tuple[int, ...]] = set()

    @property
    def last(self) -> int:
        """The token written last."""
        return self._ids[-1]

    def stopped(self) -> str | None:
        """cancelled or time, when nothing more is to be written."""
        if self._cancelled():
            return "cancelled"
        return "time" if time.monotonic() > self._deadline else None

    def add(self, scores: torch.Tensor) -> str | None:
        """Choose the next token by its (vocabulary,) scores; why this ends the answer, or None."""
        if stop := self.stopped():
            return stop
        token = _pick(scores, self._sampling.temperature)
        if token in self._ends:
            return "end"
        self._ids.append(token)
        self._emit(self._words.add(token))
        tail = tuple(self._ids[-LOOP:])
        if len(self._ids) == self._sampling.max_tokens or tail in self._seen:
            return "length"
        self._seen.add(tail)
        return None

    def finish(self) -> None:
        """Give out what was held back of the last word."""
        self._emit(self._words.rest())


def _pick(scores: torch.Tensor, temperature: float) -> int:
    if temperature <= 0:
        return int(scores.argmax())
    chances = torch.softmax(scores.float() / temperature, dim=-1)
    return int(torch.multinomial(chances, 1))
