"""Haystack and LlamaIndex as routers of a customer's turn, with the same embedder and examples.

Neither has a trained intent model: what their documentation offers without a language model is
the nearest example. Haystack: a retriever over the examples in its in-memory store and a
ConditionalRouter on the best one; LlamaIndex: its EmbeddingSingleSelector over one choice per
example. Both always choose one of the intents, say nothing of how sure they are, and read neither
language, personal data, entities nor mood.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack import Document, Pipeline
from haystack.components.retrievers import InMemoryEmbeddingRetriever
from haystack.components.routers import ConditionalRouter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from llama_index.core.schema import QueryBundle
from llama_index.core.selectors import EmbeddingSingleSelector
from llama_index.core.tools import ToolMetadata
from peers import Remembering, _LlamaEmbedder

from knowledge.types import Vectors

Example = tuple[str, str]
"""(text, intent)."""


class Router(Protocol):
    """What is compared."""

    def route(self, text: str, vector: Vectors) -> str:
        """The intent. vector: (1, d) of the text."""
        ...


class Haystack:
    def __init__(self, examples: Sequence[Example], embedder: Remembering) -> None:
        store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        rows = embedder.queries([text for text, _ in examples])
        store.write_documents(
            [
                Document(id=str(n), content=text, embedding=row.tolist(), meta={"intent": intent})
                for n, ((text, intent), row) in enumerate(zip(examples, rows, strict=True))
            ]
        )
        names = sorted({intent for _, intent in examples})
        routes = [
            {
                "condition": "{{documents[0].meta['intent'] == '" + name + "'}}",
                "output": name,
                "output_name": f"route_{n}",
                "output_type": str,
            }
            for n, name in enumerate(names)
        ]
        self._pipe = Pipeline()
        self._pipe.add_component("nearest", InMemoryEmbeddingRetriever(store, top_k=1))
        self._pipe.add_component("router", ConditionalRouter(routes))
        self._pipe.connect("nearest.documents", "router.documents")

    def route(self, text: str, vector: Vectors) -> str:
        found = self._pipe.run({"nearest": {"query_embedding": vector[0].tolist()}})["router"]
        return str(next(iter(found.values())))


class LlamaIndex:
    def __init__(self, examples: Sequence[Example], embedder: Remembering) -> None:
        self._choices = [ToolMetadata(text, name) for text, name in examples]
        self._selector = EmbeddingSingleSelector(_LlamaEmbedder(embedder))
        embedder.passages([text for text, _ in examples])

    def route(self, text: str, vector: Vectors) -> str:
        """The selector asks the embedder itself, which remembers the text and all choices."""
        chosen = self._selector.select(self._choices, QueryBundle(text)).selections[0]
        return str(self._choices[chosen.index].name)


ROUTERS = {"haystack": Haystack, "llamaindex": LlamaIndex}
