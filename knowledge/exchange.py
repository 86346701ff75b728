"""All documents as a folder or zip file of readable texts, and from there into another home."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from knowledge import archive, markdown_form
from knowledge.csv_cells import guarded, unguarded
from knowledge.curation import DOCUMENT, Decision
from knowledge.errors import KnowledgeError, UnreadableFile
from knowledge.stored import NewDocument
from knowledge.types import Chunk, Collection, FaqPair, Report
from knowledge.validity import dated

MANIFEST, ANSWERS = "manifest.json", "approved-answers.csv"
FORMAT = 1
MOST_BYTES = 64 << 20  # of one file
LONGEST = 60  # characters of a part of a file's name: four bytes each still fit


@dataclass(frozen=True, slots=True)
class Life:
    """Whether and when a document is found."""

    published: bool
    enabled: bool
    valid_from: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class Text:
    """A document without anything that is computed from its text."""

    collection: str
    path: str
    title: str
    language: str
    sha256: str  # of the file that was added, so that the same file is known again
    size: int  # bytes of that file
    warnings: tuple[str, ...]
    chunks: tuple[Chunk, ...]  # without those of approved answers
    faqs: tuple[FaqPair, ...]
    report: Report = field(compare=False)  # equal texts are the same, however they were read


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds, read and checked."""

    collections: tuple[Collection, ...]
    documents: tuple[tuple[Text, Life], ...]
    decisions: tuple[Decision, ...] = ()  # of staff, about approved answers


def text_of(new: NewDocument) -> Text:
    """What is exported of a stored document."""
    return Text(
        new.collection,
        new.path,
        new.title,
        new.language,
        new.sha256,
        new.size,
        new.warnings,
        tuple(item.chunk for item in new.chunks if item.chunk.kind != "faq"),
        tuple(faq.pair for faq in new.faqs),
        new.report,
    )


def write(exported: Exported, target: Path) -> None:
    """Make the folder, or the zip file where the name ends so; all of it or nothing.

    Raises KnowledgeError when there is something of that name, or the disk does not take it.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise KnowledgeError(f"{target}: there is something already. Choose another name.")
    part = target.with_name(f".{target.name}.part")
    try:
        if target.suffix.lower() == ".zip":
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
                for name, data in _files(exported):
                    packed.writestr(name, data)
        else:
            for name, data in _files(exported):
                path = part / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        part.rename(target)
    except OSError as error:
        raise KnowledgeError(f"{target}: it cannot be written ({error.strerror}).") from error
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)


def read(source: Path) -> Exported:
    """An export, from its folder or zip file. Raises UnreadableFile; nothing is unpacked."""
    if source.is_dir():
        return _exported(source, lambda name: _of_folder(source, name))
    if not source.exists():
        raise UnreadableFile(f"{source}: there is no such file or folder.")
    if problem := archive.problem(source):
        raise UnreadableFile(problem)
    with zipfile.ZipFile(source) as packed:
        return _exported(source, lambda name: _of_zip(packed, name))


def _files(exported: Exported) -> Iterator[tuple[str, bytes]]:
    listed, used = [], {MANIFEST, ANSWERS}
    for text, life in exported.documents:
        name = _name(text, used)
        state = "disabled" if not life.enabled else "published" if life.published else "draft"
        front = {"title": text.title, "collection": text.collection, "document": text.path}
        front |= {"language": text.language, "state": state}
        front |= {"valid from": life.valid_from, "valid until": life.valid_until}
        note = f"It has {len(text.faqs)} approved answers: see {ANSWERS}." if text.faqs else ""
        yield name, markdown_form.written(front, text.chunks, note).encode("utf-8")
        about = {key: v for key, v in asdict(text).items() if key not in ("chunks", "faqs")}
        listed.append({"file": name, **about, **asdict(life)})
    yield ANSWERS, _answers(exported)
    collections = [{"name": c.name, "review": c.review} for c in exported.collections]
    manifest = {"format": FORMAT, "collections": collections, "documents": listed}
    manifest["approved"] = [asdict(decision) for decision in exported.decisions]
    yield MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode("utf-8")


def _name(text: Text, used: set[str]) -> str:
    """A path for every document, of characters that every file system takes."""
    parts = [text.collection, *PurePosixPath(text.path).parts]
    safe = [re.sub(r"[^\w .-]", "_", part)[:LONGEST].strip(" .") or "_" for part in parts]
    name, number = "/".join(["documents", *safe]), 1
    while f"{name}{'' if number == 1 else f'-{number}'}.md".lower() in used:
        number += 1
    name += f"{'' if number == 1 else f'-{number}'}.md"
    used.add(name.lower())
    return name


def _answers(exported: Exported) -> bytes:
    most = max((len(f.phrasings) for text, _ in exported.documents for f in text.faqs), default=0)
    table = io.StringIO(newline="")
    rows = csv.writer(table, quoting=csv.QUOTE_ALL)
    ways = (f"phrasing {number}" for number in range(1, most + 1))
    rows.writerow(["collection", "document", "question", "answer", *ways])
    for text, _ in exported.documents:
        for pair in text.faqs:
            row = [text.collection, text.path, pair.question, pair.answer, *pair.phrasings]
            rows.writerow([guarded(cell) for cell in row])
    return table.getvalue().encode("utf-8-sig")


def _exported(source: Path, file: Callable[[str], bytes]) -> Exported:
    try:
        manifest = json.loads(_text(file(MANIFEST), MANIFEST))
        if manifest["format"] != FORMAT:
            raise UnreadableFile(f"{source}: this export is of another version of zhike.")
        collections = tuple(
            Collection(str(c["name"]), 0, bool(c["review"])) for c in manifest["collections"]
        )
        faqs = _pairs(_text(file(ANSWERS), ANSWERS))
        documents = tuple(_document(item, file, faqs) for item in manifest["documents"])
        decisions = tuple(_decision(item) for item in manifest["approved"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UnreadableFile(
            f"{source}: it is not an export of zhike, or it was damaged ({reason})."
        ) from error
    if left := {key for key in faqs if key not in {(t.collection, t.path) for t, _ in documents}}:
        raise UnreadableFile(
            f"{source}: {ANSWERS} names the document {min(left)[1]!r}, which {MANIFEST} does not."
        )
    return Exported(collections, documents, decisions)


def _document(
    item: dict[str, Any],
    file: Callable[[str], bytes],
    faqs: dict[tuple[str, str], list[FaqPair]],
) -> tuple[Text, Life]:
    key = (_string(item["collection"]), _string(item["path"]))
    report = item.get("report", {"bytes": item["size"]})  # older exports have none
    text = Text(
        *key,
        _string(item["title"]),
        _string(item["language"]),
        _string(item["sha256"]),
        int(item["size"]),
        tuple(map(_string, item["warnings"])),
        markdown_form.passages(_text(file(_string(item["file"])), item["file"]), item["file"]),
        tuple(faqs.get(key, ())),
        Report(**{name: int(value) for name, value in report.items()}),
    )
    if text.path == DOCUMENT:
        raise ValueError(f"{DOCUMENT!r} is the name of what staff wrote, not of a file")
    first, last = dated(_string(item["valid_from"]), _string(item["valid_until"]))
    return text, Life(item["published"] is True, item["enabled"] is True, first, last)


def _decision(item: dict[str, Any]) -> Decision:
    about: dict[str, Any] = {f.name: _string(item[f.name]) for f in fields(Decision)[:-1]}
    text = item["text"]
    if text is not None:
        ways = tuple(map(_string, text["phrasings"]))
        text = FaqPair(_string(text["question"]), _string(text["answer"]), ways)
    return Decision(**about, text=text)


def _pairs(table: str) -> dict[tuple[str, str], list[FaqPair]]:
    """By collection and document, in the order of the table."""
    found: dict[tuple[str, str], list[FaqPair]] = {}
    for row in list(csv.reader(io.StringIO(table, newline="")))[1:]:
        cells = [unguarded(cell) for cell in row]
        if len(cells) < 4 or not cells[2].strip() or not cells[3].strip():
            raise ValueError(f"a row of {ANSWERS} has no question or no answer")
        ways = tuple(way for way in cells[4:] if way.strip())
        found.setdefault((cells[0], cells[1]), []).append(FaqPair(cells[2], cells[3], ways))
    return found


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name}: it is not UTF-8. Save it so, or export it again.") from error


def _of_folder(folder: Path, name: str) -> bytes:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UnreadableFile(f"{folder}: {name!r} lies outside of the export.")
    try:
        with path.open("rb") as file:
            return _limited(file.read(MOST_BYTES + 1), name)
    except OSError as error:
        raise UnreadableFile(f"{folder}: {name} cannot be read ({error.strerror}).") from error


def _of_zip(packed: zipfile.ZipFile, name: str) -> bytes:
    try:
        with packed.open(name) as file:
            return _limited(file.read(MOST_BYTES + 1), name)
    except KeyError:
        raise UnreadableFile(f"{packed.filename}: {name} is missing in it.") from None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        raise UnreadableFile(f"{packed.filename}: {name} is damaged in it ({error}).") from error


def _limited(data: bytes, name: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise UnreadableFile(f"{name}: it is larger than {MOST_BYTES >> 20} MB.")
    return data
