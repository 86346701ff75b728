"""From files on disk to documents ready to be stored."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge import archive, keywords
from knowledge.catalog import NewChunk, NewDocument, NewFaq, NewPhrasing
from knowledge.errors import UnreadableFile, UnsupportedFile
from knowledge.faq import normal
from knowledge.language import language
from knowledge.load import ARCHIVE, PARSERS, SUPPORTED, LimitedLoader
from knowledge.settings import KnowledgeSettings
from knowledge.split import embedded_text, split
from knowledge.types import Embedder, Parsed, Report, Vectors

MOST_CHUNKS = 5_000
BATCH = 16  # texts embedded between two progress reports


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be added, and the name that it gets."""

    path: Path
    name: str
    problem: str = ""  # why it cannot be added, as a sentence


def sources(paths: Sequence[Path]) -> Iterator[Source]:
    """The files of `paths`, folders opened; hidden ones are skipped, missing ones a problem."""
    for path in paths:
        if path.is_dir():
            yield from _of_folder(path)
        elif path.exists():
            yield Source(path, path.name, _unsupported(path))
        else:
            yield Source(path, path.name, f"{path}: there is no such file or folder.")


def _of_folder(folder: Path) -> Iterator[Source]:
    root = folder.resolve()
    found = False
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts) or path.is_dir():
            continue
        found = True
        problem = _unsupported(path)
        if not path.resolve().is_relative_to(root):
            problem = f"{relative}: it is a link to a file outside of the folder. Copy it there."
        yield Source(path, relative.as_posix(), problem)
    if not found:
        yield Source(folder, folder.name, f"{folder}: there are no files in this folder.")


def _unsupported(path: Path) -> str:
    if path.suffix.lower() in (*PARSERS, ARCHIVE):
        return ""
    kind = path.suffix or "(none)"
    return f"{path.name}: files of type {kind!r} cannot be read. Supported: {SUPPORTED}."


class Ingest:
    """Reads, splits and embeds one file after the other; a context manager."""

    def __init__(self, embedder: Embedder, settings: KnowledgeSettings) -> None:
        self._embedder, self._settings = embedder, settings
        self._copies = tempfile.TemporaryDirectory(prefix="zhike-add-")
        self._loader = LimitedLoader(settings.max_file_mb)
        self.report = Report()  # on the file read last

    def __enter__(self) -> Ingest:
        return self

    def __exit__(self, *_: object) -> None:
        self._loader.__exit__(None, None, None)
        self._copies.cleanup()

    def opened(self, source: Source) -> Iterator[Source]:
        """The source itself, or the files of an archive, named "archive/path within it"."""
        if source.problem or source.path.suffix.lower() != ARCHIVE:
            yield source
            return
        if problem := archive.problem(source.path):
            yield Source(source.path, source.name, problem)
            return
        most = self._settings.max_file_mb << 20
        above = Path(source.name).with_suffix("")
        with tempfile.TemporaryDirectory(dir=self._copies.name) as folder:
            for name, copy, problem in archive.unpacked(source.path, Path(folder), most):
                if not problem and copy.suffix.lower() == ARCHIVE:
                    problem = f"{name}: it is an archive in an archive. Unpack it first."
                yield Source(copy, (above / name).as_posix(), problem or _unsupported(copy))
                copy.unlink(missing_ok=True)

    def copy(self, source: Source) -> tuple[Path, str]:
        """A private copy, so that what is hashed is what is read; with its SHA-256.

        Raises UnsupportedFile, UnreadableFile, OSError.
        """
        if source.problem:
            raise UnsupportedFile(source.problem)
        most = self._settings.max_file_mb << 20
        with source.path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise UnreadableFile(
                f"{source.name}: it is larger than {self._settings.max_file_mb} MB. "
                "Split it, or raise knowledge.max_file_mb."
            )
        copy = Path(self._copies.name) / source.path.name
        copy.write_bytes(data)
        return copy, hashlib.sha256(data).hexdigest()

    def document(
        self,
        copy: Path,
        sha256: str,
        name: str,
        collection: str,
        progress: Callable[[float], None],
    ) -> NewDocument:
        """All that is stored for one file. progress: called with 0..1."""
        size = copy.stat().st_size
        try:
            parsed = self._loader.load(copy)
            self.report = Report(size, parsed.characters, parsed.pages, parsed.empty_pages)
        finally:
            copy.unlink()
        chunks = split(parsed, self._embedder.count, self._settings.chunk_tokens)
        if len(chunks) > MOST_CHUNKS:
            raise UnreadableFile(
                f"{name}: it gives {len(chunks)} passages, more than {MOST_CHUNKS}. Split it."
            )
        default = language(" ".join(chunk.text for chunk in chunks))
        above = [embedded_text(parsed.title, chunk) for chunk in chunks]
        vectors = self._embed(above, progress)
        return NewDocument(
            collection=collection,
            path=name,
            title=parsed.title,
            language=default,
            sha256=sha256,
            size=size,
            warnings=parsed.warnings,
            embedder=self._embedder.name,
            chunks=tuple(
                NewChunk(chunk, language(chunk.text, default), tuple(keywords.terms(text)), vector)
                for chunk, text, vector in zip(chunks, above, vectors, strict=True)
            ),
            faqs=self._faqs(parsed, len(chunks) - len(parsed.faqs), default),
        )

    def _embed(self, texts: Sequence[str], progress: Callable[[float], None]) -> Vectors:
        parts = [np.empty((0, self._embedder.dimension), np.float32)]
        for start in range(0, len(texts), BATCH):
            parts.append(self._embedder.passages(texts[start : start + BATCH]))
            progress(min(start + BATCH, len(texts)) / len(texts))
        return np.concatenate(parts)

    def _faqs(self, parsed: Parsed, first: int, default: str) -> tuple[NewFaq, ...]:
        """Pairs with their phrasings embedded as questions; `first`: position of their chunks."""
        ways = [(pair.question, *pair.phrasings) for pair in parsed.faqs]
        vectors = iter(self._embedder.queries([text for group in ways for text in group]))
        return tuple(
            NewFaq(
                pair,
                language(pair.answer, default),
                first + number,
                tuple(
                    NewPhrasing(text, normal(text), language(text, default), next(vectors))
                    for text in group
                ),
            )
            for number, (pair, group) in enumerate(zip(parsed.faqs, ways, strict=True))
        )
