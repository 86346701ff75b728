"""One answer, token by token: a causal model's cache, the stop rules, text in whole words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import DynamicCache

from chatbot.errors import GenerationError
from chatbot.generation.protocol import Sampling

# The prompt is read in parts, so that a cancelled request ends within one of them:
# 256 tokens are about half a second for 135M parameters on one core.
PREFILL = 256
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


class Decoder:
    """A loaded model and its tokenizer; one answer at a time."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer
        ends = model.generation_config.eos_token_id
        self._ends = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        self._room = int(getattr(model.config, "max_position_embeddings", 2048))

    def answer(
        self,
        prompt: list[int],
        sampling: Sampling,
        emit: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        """Write the answer through `emit`; returns why it stopped: end, length, time, cancelled."""
        if len(prompt) + sampling.max_tokens > self._room:
            raise GenerationError(
                f"The prompt has {len(prompt)} tokens, and the model has room for {self._room} "
                "with the answer. Ask a shorter question."
            )
        deadline = time.monotonic() + sampling.max_seconds
        cache = DynamicCache(config=self._model.config)

        def stopped() -> str | None:
            if cancelled():
                return "cancelled"
            return "time" if time.monotonic() > deadline else None

        for start in range(0, len(prompt), PREFILL):
            if stop := stopped():
                return stop
            logits = self._logits(prompt[start : start + PREFILL], cache)
        words, answer, seen = WordStream(self._tokenizer), list[int](), set[tuple[int, ...]]()
        while (stop := stopped()) is None:
            token = self._pick(logits, sampling.temperature)
            if token in self._ends:
                stop = "end"
                break
            answer.append(token)
            emit(words.add(token))
            tail = tuple(answer[-LOOP:])
            if len(answer) == sampling.max_tokens or tail in seen:
                stop = "length"
                break
            seen.add(tail)
            logits = self._logits([token], cache)
        emit(words.rest())
        return stop

    def _logits(self, ids: list[int], cache: DynamicCache) -> torch.Tensor:
        """(vocabulary,) scores of the token after `ids`; the cache grows by them."""
        inputs = torch.tensor([ids], device=self._model.device)
        with torch.inference_mode():
            result = self._model(
                input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1
            )
        scores: torch.Tensor = result.logits[0, -1]
        return scores

    def _pick(self, logits: torch.Tensor, temperature: float) -> int:
        if temperature <= 0:
            return int(logits.argmax())
        chances = torch.softmax(logits.float() / temperature, dim=-1)
        return int(torch.multinomial(chances, 1))
