"""From files on disk to documents ready to be stored."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from knowledge import archive
from knowledge.documents import Embedded
from knowledge.errors import OtherType, UnreadableFile, UnsupportedFile, WrongFolder
from knowledge.exchange import Text
from knowledge.faq import normal
from knowledge.language import language
from knowledge.load import ARCHIVE, PARSERS, SUPPORTED, LimitedLoader
from knowledge.settings import KnowledgeSettings
from knowledge.split import embedded_text, faq_chunk, split
from knowledge.stored import NewChunk, NewDocument, NewFaq, NewPhrasing, terms
from knowledge.types import Embedder, Report, Vectors

MOST_CHUNKS = 5_000
BATCH = 16  # texts embedded between two progress reports
LONGEST_FOLDER = 200  # characters


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be added, and the name that it gets."""

    path: Path
    name: str
    problem: str = ""  # why it cannot be added, as a sentence


def folder_named(text: str) -> str:
    """A folder within a collection, such as "en/tea"; "" is none. Raises WrongFolder."""
    folder = text.strip().strip("/")
    names = folder.split("/") if folder else []
    wrong = [n for n in names if not n or n != n.strip() or n.startswith(".") or "\\" in n]
    if wrong or len(folder) > LONGEST_FOLDER or not folder.isprintable():
        raise WrongFolder(
            f"{text[:80]!r} cannot be a folder. Write names with / between them, such as en/tea, "
            f"{LONGEST_FOLDER} characters at most; none may begin with a dot."
        )
    return folder


def check_replaces(name: str, path: str) -> None:
    """Whether a file of this name can be the next version of a document. Raises OtherType."""
    given, held = (_ending(text) for text in (name, path))
    if given != held:
        raise OtherType(
            f"{name}: it cannot replace {path}, as a document keeps its type. Choose a file of "
            f"type {held or '(none)'!r}, or add this one as a document of its own."
        )


def _ending(name: str) -> str:
    ending = PurePosixPath(name).suffix.lower()
    return ".html" if ending == ".htm" else ending


def files(paths: Sequence[Path], folder: str = "") -> Iterator[Source]:
    """The files of `paths`, folders opened; hidden ones are skipped, missing ones a problem.

    folder: within the collection, where each is put.
    """
    for source in _files(paths):
        yield replace(source, name=f"{folder}/{source.name}") if folder else source


def _files(paths: Sequence[Path]) -> Iterator[Source]:
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
        known: Embedded,
        progress: Callable[[float], None],
    ) -> NewDocument:
        """All that is stored for one file. progress: called with 0..1.

        known: vectors of its version before; only what is not among them is embedded.
        """
        size = copy.stat().st_size
        try:
            parsed = self._loader.load(copy)
        finally:
            copy.unlink()
        chunks = split(parsed, self._embedder.count, self._settings.chunk_tokens)
        if len(chunks) > MOST_CHUNKS:
            raise UnreadableFile(
                f"{name}: it gives {len(chunks)} passages, more than {MOST_CHUNKS}. Split it."
            )
        text = Text(
            collection,
            name,
            parsed.title,
            language(" ".join(chunk.text for chunk in chunks)),
            sha256,
            size,
            parsed.warnings,
            tuple(chunks[: len(chunks) - len(parsed.faqs)]),
            parsed.faqs,
            Report(size, parsed.characters, parsed.pages, parsed.empty_pages),
        )
        return self.embedded(text, known, progress, parsed.source)

    def source(self, copy: Path) -> str:
        """The text of a text file, to be edited; "" of any other. Raises as load() does."""
        return self._loader.load(copy).source

    def embedded(
        self, text: Text, known: Embedded, progress: Callable[[float], None], source: str = ""
    ) -> NewDocument:
        """The document with vectors, keywords and the languages of its parts.

        source: the text of its file, where that is kept.
        """
        title, default = text.title, text.language
        chunks = [*text.chunks, *map(faq_chunk, text.faqs)]
        above = [embedded_text(title, chunk) for chunk in chunks]
        vectors = self._embed(above, known.passages, progress)
        return NewDocument(
            text.collection,
            text.path,
            title,
            default,
            text.sha256,
            text.size,
            text.warnings,
            self._embedder.name,
            tuple(
                NewChunk(chunk, language(chunk.text, default), terms(title, chunk), vectors[above_])
                for chunk, above_ in zip(chunks, above, strict=True)
            ),
            self._faqs(text, default, known.questions),
            text.report,
            source,
        )

    def _embed(
        self,
        texts: Sequence[str],
        known: Mapping[str, Vectors],
        progress: Callable[[float], None],
    ) -> dict[str, Vectors]:
        """(d,) by text; those of `known` are taken from there."""
        found = {text: known[text] for text in texts if text in known}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            found.update(zip(part, self._embedder.passages(part), strict=True))
            progress(min(start + BATCH, len(missing)) / len(missing))
        progress(1.0)
        return found

    def _faqs(self, text: Text, default: str, known: Mapping[str, Vectors]) -> tuple[NewFaq, ...]:
        """Pairs with their phrasings embedded as questions; their chunks come last."""
        ways = [(pair.question, *pair.phrasings) for pair in text.faqs]
        missing = list(dict.fromkeys(t for group in ways for t in group if t not in known))
        fresh = self._embedder.queries(missing)
        vectors = {**known, **dict(zip(missing, fresh, strict=True))}
        return tuple(
            NewFaq(
                pair,
                language(pair.answer, default),
                len(text.chunks) + number,
                tuple(
                    NewPhrasing(way, normal(way), language(way, default), vectors[way])
                    for way in group
                ),
            )
            for number, (pair, group) in enumerate(zip(text.faqs, ways, strict=True))
        )
