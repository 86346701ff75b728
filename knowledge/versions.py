"""The versions of a document: the texts before the current one, and a draft to come after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from sqlite_utils import Database as Sqlite

from knowledge.errors import Changed
from knowledge.stored import NewChunk, NewDocument, NewFaq, NewPhrasing, terms
from knowledge.types import Chunk, FaqPair, Report, Vectors

KEPT = 5  # versions before the current one


@dataclass(frozen=True, slots=True)
class Version:
    """One line of a document's history."""

    number: int  # grows by one; a draft that was replaced leaves a gap
    state: Literal["draft", "current", "previous"]
    added: str  # ISO 8601, UTC
    size: int  # bytes of the file
    chunks: int
    title: str
    sha256: str  # of the file's bytes
    change: str  # "added", "replaced", "edited", "imported" or "rolled back to N"
    origin: str  # who or what brought it; "" where that is not known


HISTORY = """
SELECT v.number, iif(v.draft, 'draft', 'previous') AS state, v.added, v.size, v.chunks, v.title,
  v.sha256, v.change, v.origin FROM versions v WHERE v.document_id = ?1
UNION ALL
SELECT d.version, 'current', d.added, d.size,
  (SELECT count(*) FROM chunks c WHERE c.document_id = d.id), d.title, d.sha256, d.change, d.origin
FROM documents d WHERE d.id = ?1
ORDER BY 1 DESC"""


def next_number(db: Sqlite, document_id: str) -> int:
    """One more than any version of the document has."""
    rows = db.execute(
        "SELECT max(number) FROM (SELECT number FROM versions WHERE document_id = ?1 "
        "UNION ALL SELECT version FROM documents WHERE id = ?1)",
        [document_id],
    )
    return int(next(iter(rows))[0]) + 1


def check_head(db: Sqlite, document_id: str, path: str, number: int) -> None:
    """Raise Changed unless this is the number of the draft, or else of the current version."""
    rows = db.execute(
        "SELECT coalesce(max(v.number), d.version) FROM documents d LEFT JOIN versions v "
        "ON v.document_id = d.id AND v.draft WHERE d.id = ?",
        [document_id],
    )
    head = int(next(iter(rows))[0])
    if head != number:
        raise Changed(
            f"{path}: it was changed meanwhile: version {number} was read, the latest is now "
            f"{head}. Nothing was saved. Copy your text, open the document again and enter "
            "it there."
        )


def keep_current(db: Sqlite, document_id: str) -> None:
    """Copy the current version beside the ones before it; the oldest above KEPT is wiped."""
    row = next(iter(db.query("SELECT * FROM documents WHERE id = ?", [document_id])))
    _insert(db, document_id, row["version"], current(db, row), row, draft=False)
    db.execute(
        "DELETE FROM versions WHERE document_id = ?1 AND NOT draft AND number NOT IN (SELECT "
        "number FROM versions WHERE document_id = ?1 AND NOT draft ORDER BY number DESC LIMIT ?2)",
        [document_id, KEPT],
    )


def hold(db: Sqlite, document_id: str, new: NewDocument, about: dict[str, str]) -> None:
    """Keep `new` as the draft of the document, in place of a draft before it.

    about: added, change and origin.
    """
    number = next_number(db, document_id)
    drop_draft(db, document_id)
    row = {"warnings": json.dumps(new.warnings, ensure_ascii=False), **about}
    _insert(db, document_id, number, new, row, draft=True)


def drop_draft(db: Sqlite, document_id: str, number: int | None = None) -> None:
    """The draft, or only the one of that number, so that a newer one stays."""
    db.execute(
        "DELETE FROM versions WHERE document_id = ?1 AND draft AND (?2 IS NULL OR number = ?2)",
        [document_id, number],
    )


def restored(row: dict[str, Any], collection: str, path: str) -> NewDocument:
    """A row of `versions` as it was stored, with the ids of its chunks.

    Its embedder is "" where no vectors were kept; then they are zeros of any dimension.
    """
    content = json.loads(row["content"])
    count = len(content["chunks"]) + sum(len(faq["phrasings"]) for faq in content["faqs"])
    rows: Vectors = np.zeros((count, 1), np.float32)
    if row["embedder"] and count:
        rows = np.frombuffer(row["vectors"], np.float32).reshape(count, -1)
    vectors = iter(rows)
    chunks = [
        NewChunk(chunk, item["language"], terms(row["title"], chunk), next(vectors), item["id"])
        for item in content["chunks"]
        for chunk in [Chunk(**item["chunk"])]
    ]
    return NewDocument(
        collection=collection,
        path=path,
        title=row["title"],
        language=row["language"],
        sha256=row["sha256"],
        size=row["size"],
        warnings=tuple(json.loads(row["warnings"])),
        embedder=row["embedder"],
        chunks=tuple(chunks),
        faqs=tuple(_faq(item, vectors) for item in content["faqs"]),
        report=Report(**json.loads(row["report"])),
    )


def _faq(item: dict[str, Any], vectors: Any) -> NewFaq:
    ways = tuple(NewPhrasing(**way, vector=next(vectors)) for way in item["phrasings"])
    pair = FaqPair(item["question"], item["answer"], tuple(way.text for way in ways[1:]))
    return NewFaq(pair, item["language"], item["position"], ways)


def current(db: Sqlite, row: dict[str, Any]) -> NewDocument:
    """The current version, of a row of `documents`.

    Its embedder is "" while vectors of two embedders are mixed or one is missing.
    """
    stored = list(
        db.query(
            "SELECT c.*, v.embedder, v.vector FROM chunks c "
            "LEFT JOIN vectors v ON v.chunk_id = c.id WHERE c.document_id = ? ORDER BY c.position",
            [row["id"]],
        )
    )
    chunks = tuple(
        NewChunk(
            Chunk(r["text"], r["heading"], r["kind"], r["page"]),
            r["language"],
            (),  # computed again when restored
            np.frombuffer(r["vector"] or b"", np.float32),
            r["id"],
        )
        for r in stored
    )
    positions = {r["id"]: position for position, r in enumerate(stored)}
    faqs, embedders = _current_faqs(db, row["id"], positions)
    embedders |= {r["embedder"] for r in stored}
    embedder = (embedders.pop() if len(embedders) == 1 else "") or ""
    return NewDocument(
        row["collection"],
        row["path"],
        row["title"],
        row["language"],
        row["sha256"],
        row["size"],
        tuple(json.loads(row["warnings"])),
        embedder,
        chunks,
        faqs,
        Report(**json.loads(row["report"])),
    )


def _current_faqs(
    db: Sqlite, document_id: str, positions: dict[int, int]
) -> tuple[tuple[NewFaq, ...], set[str]]:
    """The approved answers of a document, in its order; and the embedders of their questions."""
    ways: dict[int, list[NewPhrasing]] = {}
    embedders = set()
    of_document = "JOIN chunks c ON c.id = f.chunk_id WHERE c.document_id = ?"
    for r in db.query(
        f"SELECT p.* FROM phrasings p JOIN faqs f ON f.id = p.faq_id {of_document} ORDER BY p.id",
        [document_id],
    ):
        vector = np.frombuffer(r["vector"], np.float32)
        ways.setdefault(r["faq_id"], []).append(
            NewPhrasing(r["text"], r["normal"], r["language"], vector)
        )
        embedders.add(r["embedder"])
    found = []
    for r in db.query(f"SELECT f.* FROM faqs f {of_document} ORDER BY c.position", [document_id]):
        group = tuple(ways.get(r["id"], ()))
        pair = FaqPair(r["question"], r["answer"], tuple(way.text for way in group[1:]))
        found.append(NewFaq(pair, r["language"], positions[r["chunk_id"]], group))
    return tuple(found), embedders


def _insert(
    db: Sqlite,
    document_id: str,
    number: int,
    new: NewDocument,
    about: dict[str, Any],
    *,
    draft: bool,
) -> None:
    content = {
        "chunks": [
            {"chunk": asdict(item.chunk), "language": item.language, "id": item.id}
            for item in new.chunks
        ],
        "faqs": [
            {
                "question": faq.pair.question,
                "answer": faq.pair.answer,
                "language": faq.language,
                "position": faq.position,
                "phrasings": [
                    {"text": way.text, "normal": way.normal, "language": way.language}
                    for way in faq.phrasings
                ],
            }
            for faq in new.faqs
        ],
    }
    db.table("versions").insert(
        {
            "document_id": document_id,
            "number": number,
            "draft": int(draft),
            "title": new.title,
            "language": new.language,
            "sha256": new.sha256,
            "size": new.size,
            "added": about["added"],
            "warnings": about["warnings"],
            "report": json.dumps(asdict(new.report)),
            "change": about["change"],
            "origin": about["origin"],
            "chunks": len(new.chunks),
            "content": json.dumps(content, ensure_ascii=False),
            "embedder": new.embedder,
            "vectors": _bytes(new) if new.embedder else b"",
        }
    )


def _bytes(new: NewDocument) -> bytes:
    """The vectors of the chunks, then of the phrasings: (n, d) float32."""
    rows: Sequence[Vectors] = [item.vector for item in new.chunks]
    rows = [*rows, *(way.vector for faq in new.faqs for way in faq.phrasings)]
    return b"".join(row.tobytes() for row in rows)
