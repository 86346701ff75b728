"""Zhike, Haystack and LlamaIndex as benchmarks/ingest.py and search.py use them: one way for all.

The same files, passages of about the same size, and the same embedder; each peer as its own
documentation puts together a hybrid search that needs no server, fed with all files at once.
They need other versions of some packages than Zhike does, hence an environment of their own:

    make peers         makes .venv-peers, beside .venv and on top of it
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from environment import ROOT

from knowledge.database import Database
from knowledge.embedder import PackagedE5
from knowledge.embedding_cache import CachedEmbedder
from knowledge.knowledge_base import KnowledgeBase
from knowledge.types import Embedder, Vectors

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

try:
    from haystack import Document, Pipeline, component
    from haystack.components.converters import (
        HTMLToDocument,
        MarkdownToDocument,
        TextFileToDocument,
    )
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.preprocessors import RecursiveDocumentSplitter
    from haystack.components.retrievers import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.components.routers import FileTypeRouter
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from llama_index.core import QueryBundle, SimpleDirectoryReader, VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.llms import MockLLM
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.readers.file import HTMLTagReader, MarkdownReader
    from llama_index.retrievers.bm25 import BM25Retriever
except ImportError as error:
    sys.exit(
        f"{Path(sys.argv[0]).name}: {error.name} is not installed here. Haystack and LlamaIndex "
        "need an environment of their own: run `make peers`, then "
        f"`.venv-peers/bin/python benchmarks/{Path(sys.argv[0]).name}`."
    )

logging.disable(logging.INFO)  # a line per step of every pipeline

PACKAGES = ("haystack-ai", "llama-index-core", "llama-index-retrievers-bm25", "bm25s")
KINDS = (".md", ".html", ".txt")  # that all three read
TOKENS = 160  # of a passage, as Zhike's knowledge.chunk_tokens
CHARACTERS = 480  # about as many; Haystack counts tokens only with a file from the network
BATCH = 64  # texts that a peer gives to the embedder at once


def versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


def corpora(data: Path | None) -> dict[str, Path]:
    """Name → folder: the sample shop first, then a larger one where the test data lie."""
    found = {"samples": ROOT / "samples" / "knowledge"}
    root = data or Path(os.environ.get("ZHIKE_TEST_DATA", ROOT.parent / "shared" / "data"))
    swift = root / "retrieval" / "swift_docs_zh_en" / "docs_en"
    return found | ({"swift_docs_en": swift} if swift.is_dir() else {})


def copied(folder: Path, target: Path) -> int:
    """The files that all three read, in a folder of their own; how many."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in KINDS]
    for path in files:
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return len(files)


class Made:
    """Unit vectors from each text's hash, tokens as the packaged embedder counts them."""

    def __init__(self, inner: Embedder) -> None:
        self.name, self.dimension, self.max_tokens = "made", inner.dimension, inner.max_tokens
        self.count = inner.count

    def passages(self, texts: Sequence[str]) -> Vectors:
        seeds = (hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8] for text in texts)
        made = (np.random.default_rng(int.from_bytes(seed)) for seed in seeds)
        rows = [one.standard_normal(self.dimension, np.float32) for one in made]
        found = np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.passages(texts)


class Remembering:
    """An embedder that knows every text it was given once: what is left is the program's time."""

    def __init__(self, inner: Embedder) -> None:
        self._inner, self._known = inner, dict[tuple[str, bool], Vectors]()
        self.name, self.dimension, self.max_tokens = inner.name, inner.dimension, inner.max_tokens
        self.given: list[str] = []  # passages, in order

    def count(self, text: str) -> int:
        return self._inner.count(text)

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        return self._all(texts, query=False)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._all(texts, query=True)

    def _all(self, texts: Sequence[str], *, query: bool) -> Vectors:
        missing = [text for text in dict.fromkeys(texts) if (text, query) not in self._known]
        fresh = self._inner.queries(missing) if query else self._inner.passages(missing)
        self._known.update(((t, query), v) for t, v in zip(missing, fresh, strict=True))
        rows = [self._known[text, query] for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)


def remembering(cache: Path) -> Remembering:
    """The packaged embedder, whose vectors also outlive the process."""
    return Remembering(CachedEmbedder(PackagedE5(), cache))


def figures_of(embedder: Remembering) -> dict[str, int]:
    """How much was given to the embedder."""
    return {
        "texts_embedded": len(embedder.given),
        "tokens_embedded": sum(map(embedder.count, embedder.given)),
    }


class System(Protocol):
    """What is compared; made for an empty folder."""

    def add(self, folder: Path) -> None:
        """Read, split, embed and keep all files; then they can be searched, after a restart too."""
        ...

    def ready(self, limit: int) -> None:
        """Prepare to search for so many passages."""
        ...

    def search(self, text: str, vector: Vectors) -> list[str]:
        """Paths of the passages' documents, best first. vector: (1, d) of the text."""
        ...


class Zhike:
    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._base = KnowledgeBase(Database(folder / "zhike.db"), folder / "index", embedder)

    def add(self, folder: Path) -> None:
        failed = [one.error for one in self._base.add([folder]) if one.status == "failed"]
        if failed:
            raise RuntimeError(failed[0])

    def ready(self, limit: int) -> None:
        self._limit = limit

    def search(self, text: str, vector: Vectors) -> list[str]:
        return [p.document for p in self._base.search(text, limit=self._limit, vector=vector)]


class Haystack:
    """Its in-memory store, by BM25 and vectors, joined by reciprocal ranks."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._store, self._file = InMemoryDocumentStore(), folder / "haystack.json"
        pipe = self._adding = Pipeline()
        kinds = ["text/markdown", "text/html", "text/plain"]
        more = {"text/markdown": ".md"}
        pipe.add_component("kind", FileTypeRouter(kinds, additional_mimetypes=more))
        pipe.add_component("join", DocumentJoiner())
        converters = (
            MarkdownToDocument(progress_bar=False),
            HTMLToDocument(),
            TextFileToDocument(),
        )
        for kind, converter in zip(kinds, converters, strict=True):
            pipe.add_component(kind.replace("/", "_"), converter)
            pipe.connect(f"kind.{kind}", f"{kind.replace('/', '_')}.sources")
            pipe.connect(kind.replace("/", "_"), "join.documents")
        splitter = RecursiveDocumentSplitter(
            split_length=CHARACTERS, split_unit="char", separators=["\n\n", "\n", "。", ". ", " "]
        )
        pipe.add_component("split", splitter)
        pipe.add_component("embed", _HaystackEmbedder(embedder))
        pipe.add_component("write", DocumentWriter(self._store))
        for one, next_ in (("join", "split"), ("split", "embed"), ("embed", "write")):
            pipe.connect(f"{one}.documents", f"{next_}.documents")

    def add(self, folder: Path) -> None:
        files = [str(path) for path in sorted(folder.rglob("*")) if path.is_file()]
        self._adding.run({"kind": {"sources": files}})
        self._store.save_to_disk(str(self._file))

    def ready(self, limit: int) -> None:
        pipe = self._searching = Pipeline()
        pipe.add_component("vector", InMemoryEmbeddingRetriever(self._store, top_k=limit))
        pipe.add_component("words", InMemoryBM25Retriever(self._store, top_k=limit))
        pipe.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=limit))
        pipe.connect("vector", "join.documents")
        pipe.connect("words", "join.documents")

    def search(self, text: str, vector: Vectors) -> list[str]:
        asked = {"vector": {"query_embedding": vector[0].tolist()}, "words": {"query": text}}
        found = self._searching.run(asked)["join"]["documents"]
        return [Path(document.meta["file_path"]).name for document in found]


class LlamaIndex:
    """Its simple vector store and BM25 retriever, fused by reciprocal ranks."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self._embedder, self._folder = _LlamaEmbedder(embedder), folder
        split = SentenceSplitter(chunk_size=TOKENS, chunk_overlap=0)
        self._adding = IngestionPipeline(
            transformations=[split, self._embedder], disable_cache=True
        )

    def add(self, folder: Path) -> None:
        readers = {".html": HTMLTagReader(tag="body"), ".md": MarkdownReader()}
        documents = SimpleDirectoryReader(
            str(folder), recursive=True, required_exts=list(KINDS), file_extractor=readers
        ).load_data()
        for document in documents:  # else a path in every passage, which takes half of its tokens
            keys = list(document.metadata)
            document.excluded_embed_metadata_keys = document.excluded_llm_metadata_keys = keys
        nodes = self._adding.run(documents=documents)
        self._index = VectorStoreIndex(nodes, embed_model=self._embedder)
        self._words = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=1)
        self._index.storage_context.persist(str(self._folder / "llama"))
        self._words.persist(str(self._folder / "bm25"))

    def ready(self, limit: int) -> None:
        self._words.similarity_top_k = limit
        self._searching = QueryFusionRetriever(
            [self._index.as_retriever(similarity_top_k=limit), self._words],
            llm=MockLLM(),
            mode="reciprocal_rerank",
            similarity_top_k=limit,
            num_queries=1,
            use_async=False,
        )

    def search(self, text: str, vector: Vectors) -> list[str]:
        found = self._searching.retrieve(QueryBundle(text, embedding=vector[0].tolist()))
        return [node.node.metadata["file_name"] for node in found]


@component
class _HaystackEmbedder:
    """Documents with their embeddings."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        embedded: list[Document] = []
        for start in range(0, len(documents), BATCH):
            some = documents[start : start + BATCH]
            rows = self._embedder.passages([document.content or "" for document in some])
            embedded += [
                replace(document, embedding=row.tolist())
                for document, row in zip(some, rows, strict=True)
            ]
        return {"documents": embedded}


class _LlamaEmbedder(BaseEmbedding):  # type: ignore[misc]
    """The same embedder in the shape that LlamaIndex wants."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(model_name=embedder.name, embed_batch_size=BATCH)
        self._embedder = embedder

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self._embedder.passages(texts).tolist()
        return rows

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        row: list[float] = self._embedder.queries([query])[0].tolist()
        return row

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


SYSTEMS: dict[str, Any] = {"zhike": Zhike, "haystack": Haystack, "llamaindex": LlamaIndex}
