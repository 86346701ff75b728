"""The values of this package: what a file becomes, and what a search returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""(n, dimension) float32, every row of length 1, so that a dot product is a cosine."""

BlockKind = Literal["text", "list", "table", "code", "faq"]  # faq: "question\nanswer"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or code block of a file, in reading order."""

    text: str  # a table has one line per row: "header: value | header: value"
    kind: BlockKind = "text"
    heading: tuple[str, ...] = ()  # path of headings above it, outermost first
    page: int | None = None  # 1-based, where the format has pages


@dataclass(frozen=True, slots=True)
class FaqPair:
    """An approved answer with the ways in which customers ask for it."""

    question: str
    answer: str
    phrasings: tuple[str, ...] = ()  # further questions, without `question`


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as read: blocks for documents, pairs for FAQ tables."""

    title: str
    blocks: tuple[Block, ...] = ()
    faqs: tuple[FaqPair, ...] = ()
    warnings: tuple[str, ...] = ()  # e.g. "2 of 7 pages have no text"
    pages: int = 0  # of a PDF, or slides; 0 where the format has none
    empty_pages: int = 0  # of them, without text
    source: str = ""  # of a text file, to be edited: all of it, as decoded

    @property
    def characters(self) -> int:
        pairs = sum(len(f.question) + len(f.answer) for f in self.faqs)
        return sum(len(b.text) for b in self.blocks) + pairs


@dataclass(frozen=True, slots=True)
class Report:
    """How much of a file was read: compare what went in with what came out."""

    bytes: int = 0  # of the file
    characters: int = 0  # of text found in it
    pages: int = 0  # of a PDF, or slides; 0 where the format has none
    empty_pages: int = 0  # of them, without text


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is embedded and searched: a piece of a document, measured in the embedder's tokens."""

    text: str  # as shown to people, a verbatim part of the document
    heading: str  # "Returns › Opened tea"; embedded in front of the text, shown above it
    kind: BlockKind = "text"
    page: int | None = None


State = Literal["published", "draft", "disabled"]


@dataclass(frozen=True, slots=True)
class Document:
    """One file of one collection; (collection, path) is unique."""

    id: str  # 128 random bits, hex
    collection: str
    path: str  # relative to the folder that was added; a single file: its name
    title: str
    language: str  # of most of its text: zh-Hans, zh-Hant, en, …
    sha256: str  # of the file's bytes
    size: int  # bytes
    chunks: int
    faqs: int
    added: str  # when its current version was; ISO 8601, UTC
    warnings: tuple[str, ...] = ()
    state: State = "published"
    found: bool = True  # published, enabled and valid today
    valid_from: str = ""  # first day on which it is found, ISO 8601; "" is no bound
    valid_until: str = ""  # last day
    version: int = 1  # number of the current version
    draft: int | None = None  # number of a version that waits for publish
    report: Report = Report()  # on its current version


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents that are searched together, such as those of a product line."""

    name: str
    documents: int
    review: bool  # what is added waits as a draft until it is published


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as found. Its id stays while title, heading and text do, over all versions."""

    id: int  # 63 bits; the same id in SQLite and in FAISS
    document_id: str
    collection: str
    document: str  # path within the collection
    title: str
    heading: str
    text: str
    language: str
    kind: BlockKind = "text"
    page: int | None = None
    score: float = 0.0  # 0..1, fused rank score relative to the best possible; higher is better
    cosine: float = 0.0  # -1..1 with the query
    keyword: float = 0.0  # BM25, ≥ 0, higher is better; 0 = no keyword in common


@dataclass(frozen=True, slots=True)
class FaqMatch:
    """An approved answer whose question is, exactly or nearly, the customer's."""

    id: int
    question: str  # the phrasing that matched
    answer: str
    document_id: str
    collection: str
    document: str
    title: str
    language: str
    score: float  # 1.0 = the same question after normalisation; else cosine
    passage_id: int  # the chunk that holds question and answer, to be cited
    pair: str = ""  # id of the pair, the same after its file was added again


@dataclass(frozen=True, slots=True)
class Hit:
    """One neighbour in an index."""

    id: int
    score: float  # inner product: cosine of unit vectors, higher is better


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one file that was to be added."""

    document: str
    status: Literal["added", "unchanged", "failed"]
    chunks: int = 0
    seconds: float = 0.0
    error: str | None = None  # one sentence, when status is failed
    warnings: tuple[str, ...] = ()
    report: Report = Report()
    draft: bool = False  # it waits for review and is not found before


class Embedder(Protocol):
    """Text to unit vectors. Contract: tests/contracts/test_embedder.py."""

    @property
    def name(self) -> str:
        """Stored beside the vectors: another name means that they are computed anew."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut by the model, so the splitter stays below it."""
        ...

    def count(self, text: str) -> int:
        """Tokens of `text`, the measure that the splitter uses."""
        ...

    def passages(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dimension); an empty sequence gives (0, dimension)."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors: ...


class VectorIndex(Protocol):
    """Nearest neighbours by inner product. Contract: tests/contracts/test_index.py."""

    def add(self, ids: Sequence[int], vectors: Vectors) -> None: ...

    def remove(self, ids: Sequence[int]) -> None:
        """Unknown ids are ignored."""
        ...

    def search(self, vectors: Vectors, limit: int) -> list[list[Hit]]:
        """Best first, at most `limit` per query row; fewer when the index holds fewer."""
        ...

    def __len__(self) -> int: ...
