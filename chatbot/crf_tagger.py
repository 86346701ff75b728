"""A trained CRF that marks a team's own slots: its folder checked, its model read by CRFsuite."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pycrfsuite

from chatbot import crf_features
from chatbot.errors import ModelError
from chatbot.model_files import folder_sha256
from chatbot.spans import Span, spans_of

MODEL, CARD = "model.crfsuite", "zhike.json"
LONGEST = 1_000  # characters of a text; what is behind is not marked
Lookup = Callable[[str], Sequence[Span]]  # names of the team's own list in a text


class CrfTagger:
    """Safe from any thread."""

    def __init__(self, folder: Path, sha256: str, lookup: Lookup = lambda text: ()) -> None:
        """`sha256`: what the folder must hash to. Raises ModelError.

        It is checked first: CRFsuite may crash the process on a damaged file.
        """
        if not (folder / MODEL).is_file():
            raise ModelError(f"{folder}: there is no {MODEL}. Restore it or train again.")
        if folder_sha256(folder) != sha256:
            raise ModelError(
                f"{folder}: its files are not those that were trained. Restore them or train again."
            )
        card = json.loads((folder / CARD).read_text("utf-8"))
        if card["features"] != crf_features.VERSION:
            raise ModelError(f"{folder}: it was made by another version. Train it again.")
        self.kinds: tuple[str, ...] = tuple(card["kinds"])
        self._lookup = lookup
        self._lock = threading.Lock()
        self._bytes = (folder / MODEL).read_bytes()  # kept: CRFsuite reads them where they are
        self._model: Any = pycrfsuite.Tagger()
        self._model.open_inmemory(self._bytes)

    def mark(self, text: str, context: str = "") -> tuple[Span, ...]:
        """The spans of a text, in order, none over another."""
        text = text[:LONGEST]
        words = crf_features.places(text)
        if not words:
            return ()
        rows = crf_features.features(text, words, context, self._lookup(text))
        with self._lock:
            tags: list[str] = self._model.tag(rows)
        return spans_of(words, tags)
