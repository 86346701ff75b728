"""How long each stage of a turn took, and why it decided as it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from chatbot.types import Step


class Note:
    """What a stage wants staff to read; set while the stage runs."""

    def __init__(self) -> None:
        self.detail = ""


class Trace:
    """The steps of one turn, in order, also of stages that raised."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Note]:
        note, start = Note(), perf_counter()
        try:
            yield note
        finally:
            ms = round((perf_counter() - start) * 1000, 2)
            self._steps.append(Step(name, ms, note.detail))

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)
