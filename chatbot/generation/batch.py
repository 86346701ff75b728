"""Answers that are written side by side: one pass of the model gives each its next token."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from transformers import Cache

from chatbot.errors import GenerationError
from chatbot.generation import caches
from chatbot.generation.caches import STEP, Beginnings
from chatbot.generation.decoding import Writing
from chatbot.generation.protocol import Adapter


class Switch(Protocol):
    """What lets an adapter answer: adapters.Adapters."""

    def use(self, adapter: Adapter | None) -> AbstractContextManager[None]: ...


@dataclass(slots=True)
class Request:
    """A prompt that is being read."""

    number: int
    prompt: list[int]
    adapter: Adapter | None
    writing: Writing
    most: int  # tokens of the answer
    cache: Cache | None = None
    joins: bool = True  # its cache may be laid beside others
    read: int = 0  # tokens of the prompt


@dataclass(slots=True)
class Ended:
    """A request that is over: why it stopped, or the error that ended it."""

    number: int
    stop: str = ""
    error: Exception | None = None


@dataclass(slots=True)
class Group:
    """Rows with the same adapter; lengths in tokens, without the zeros before them."""

    cache: Cache
    scores: torch.Tensor  # (rows, vocabulary)
    rows: list[Request] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)


class Batches:
    """All requests of one model. Not thread-safe: belongs to the one thread that decodes.

    Each `advance` reads one step of one waiting prompt and writes one token of every answer, so
    nobody waits for another one's long prompt. Requests with the same adapter share a pass.
    Numbers: benchmarks/generation.py.
    """

    def __init__(
        self,
        model: Any,
        adapters: Switch,
        empty: Callable[[], tuple[Any, bool]] | None = None,
        step: int = STEP,
    ) -> None:
        """`empty` makes the model's caches, where they are not those of transformers.

        `step`: tokens of a prompt that are read at a time.
        """
        self._step = step
        self._model, self._adapters = model, adapters
        self._empty = empty or (lambda: caches.empty(model.config))
        self._room = int(getattr(model.config, "max_position_embeddings", 2048))
        self._waiting: deque[Request] = deque()
        self._groups: list[tuple[Adapter | None, Group]] = []
        self._beginnings = Beginnings()

    def __len__(self) -> int:
        return len(self._waiting) + sum(len(group.rows) for _, group in self._groups)

    def add(self, request: Request) -> None:
        """Raises GenerationError when the model has no room for prompt and answer."""
        if len(request.prompt) + request.most > self._room:
            raise GenerationError(
                f"The prompt has {len(request.prompt)} tokens, and the model has room for "
                f"{self._room} with the answer. Shorten the text."
            )
        self._waiting.append(request)

    def advance(self) -> Iterator[Ended]:
        """One step for everybody; yields the requests that ended."""
        if self._waiting:
            request = self._waiting.popleft()
            try:
                yield from self._read(request)
            except Exception as error:  # an edge: told to whoever asked
                yield Ended(request.number, error=error)
        for entry in list(self._groups):
            adapter, group = entry
            try:
                yield from self._write(adapter, group)
            except Exception as error:  # an edge: a pass that fails fails for all of its rows
                failed, group.rows = group.rows, []
                for request in failed:
                    yield Ended(request.number, error=error)
            if not group.rows:
                self._groups.remove(entry)

    def _read(self, request: Request) -> Iterator[Ended]:
        """One step of a prompt; what is complete goes to the answers being written."""
        if stop := request.writing.stopped():
            yield Ended(request.number, stop)
            return
        with self._adapters.use(request.adapter):
            if request.cache is None:
                request.cache, request.joins = self._empty()
                if request.joins:
                    request.read, known = self._beginnings.longest(request.adapter, request.prompt)
                    if known:
                        caches.fill(request.cache, known)
            part = request.prompt[request.read : (request.read // self._step + 1) * self._step]
            scores = self._scores([part], request.cache)
        request.read += len(part)
        if request.read < len(request.prompt):
            self._waiting.append(request)  # others' steps come first
            return
        if request.joins:
            self._beginnings.keep(request.adapter, request.prompt, request.cache)
        self._join(request, request.cache, scores)

    def _join(self, request: Request, cache: Cache, scores: torch.Tensor) -> None:
        for adapter, group in self._groups:
            if adapter == request.adapter and request.joins:
                caches.join(group.cache, cache)
                group.scores = torch.cat([group.scores, scores])
                break
        else:
            group = Group(cache, scores)
            self._groups.append((request.adapter, group))
        group.rows.append(request)
        group.lengths.append(len(request.prompt))

    def _write(self, adapter: Adapter | None, group: Group) -> Iterator[Ended]:
        """The next token of every row; rows that end are left out."""
        stops = [
            row.writing.add(scores) for row, scores in zip(group.rows, group.scores, strict=True)
        ]
        if any(stops):
            ended = [(row, stop) for row, stop in zip(group.rows, stops, strict=True) if stop]
            going = [index for index, stop in enumerate(stops) if not stop]
            group.rows = [group.rows[index] for index in going]
            group.lengths = [group.lengths[index] for index in going]
            for row, stop in ended:
                row.writing.finish()
                yield Ended(row.number, stop)
            if not going:
                return
            caches.select(group.cache, going, max(group.lengths))
        with self._adapters.use(adapter):
            tokens = [[request.writing.last] for request in group.rows]
            group.scores = self._scores(tokens, group.cache, group.lengths)
        group.lengths = [length + 1 for length in group.lengths]

    def _scores(
        self, ids: list[list[int]], cache: Cache, lengths: list[int] | None = None
    ) -> torch.Tensor:
        """(rows, vocabulary) scores of the token after `ids`; the cache grows by them.

        `lengths`: tokens of each row before `ids`; rows of unequal length need them.
        """
        device, shape = self._model.device, {}
        if lengths and min(lengths) < max(lengths):
            position = torch.tensor(lengths, device=device)[:, None]
            columns = torch.arange(max(lengths) + 1, device=device)
            shape = {
                "position_ids": position,
                "attention_mask": (columns >= max(lengths) - position).long(),
            }
        with torch.inference_mode():
            result = self._model(
                input_ids=torch.tensor(ids, device=device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
                **shape,
            )
        scores: torch.Tensor = result.logits[:, -1]
        return scores
