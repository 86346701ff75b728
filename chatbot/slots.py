"""The team's own slots in what customers write: the promoted tagger, looked up on every turn."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from chatbot.champions import Champion, Champions
from chatbot.crf_tagger import MODEL, CrfTagger, Lookup
from chatbot.errors import ModelError
from chatbot.types import Entity

log = logging.getLogger(__name__)
State = tuple[Champion | None, int, int]  # what is promoted; size and time of its file


class Slots:
    """Loads a promoted tagger with the next text and drops it after a rollback; thread-safe."""

    def __init__(self, champions: Champions, lookup: Lookup = lambda text: ()) -> None:
        self.problem = ""  # why the promoted tagger marks nothing
        self._champions, self._lookup = champions, lookup
        self._loading = threading.Lock()
        self._seen: State = (None, 0, 0)
        self._tagger: CrfTagger | None = None

    def entities(self, text: str) -> tuple[Entity, ...]:
        """What it marks in a masked text: the slot, as written, and that without extra blanks.

        Nothing without a promoted tagger, or with one that cannot be read.
        """
        self.refresh()
        tagger = self._tagger
        if tagger is None:
            return ()
        marked = ((span.kind, text[span.start : span.end]) for span in tagger.mark(text))
        return tuple(Entity(kind, said, " ".join(said.split())) for kind, said in marked)

    def refresh(self) -> None:
        """Load what is promoted if that or its file changed; else one read of the database."""
        if (now := self._state()) == self._seen:
            return
        with self._loading:
            if now == self._seen:
                return
            champion, self._tagger, self.problem = now[0], None, ""
            if champion is not None:
                try:
                    self._tagger = CrfTagger(Path(champion.path), champion.sha256, self._lookup)
                except (ModelError, OSError) as error:
                    self.problem = (
                        f"Tagger {champion.name!r} marks nothing: {error} Or take it back: "
                        "zhike runs rollback --task entities"
                    )
                    log.warning("%s", self.problem)
            self._seen = now

    def _state(self) -> State:
        champion = self._champions.current("entities")
        if champion is None:
            return (None, 0, 0)
        try:
            found = (Path(champion.path) / MODEL).stat()
        except OSError:
            return (champion, 0, 0)
        return (champion, found.st_size, found.st_mtime_ns)
