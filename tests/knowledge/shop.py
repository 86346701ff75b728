"""A small shop with an evidence scorer over it, for the tests of the evidence model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from knowledge import minilm
from knowledge.calibrate import Labelled
from knowledge.database import Database
from knowledge.evidence import Evidence, EvidenceScorer
from knowledge.knowledge_base import KnowledgeBase
from knowledge.reader import english, packaged
from knowledge.types import Embedder, Passage, Vectors
from knowledge.weights import Weights

KETTLE = """# K1 kettle

## Facts

The K1 holds 900 ml and weighs 1.2 kg. It costs $79 and comes in black and white.

## Warranty

The warranty on the K1 is two years from the day of delivery. The lid has six months.

## Errors

| Code | Meaning |
|---|---|
| E1 | dry boil: let it cool for 10 minutes |
| E2 | temperature sensor fault: send it in for repair |
"""
RETURNS = """# Returns

## Time

Unused goods can be returned within 30 days of receipt. The customer pays the return postage of $8.

## Opened tea

Opened tea cannot be returned, unless it has a quality problem.
"""
SHIPPING = """# 配送说明

## 运费

普通快递运费 10 元，满 99 元包邮，2 到 4 天送达。特快运费 22 元，江浙沪次日送达。

## 门店

杭州门店在南山路 18 号，每天 10:00 到 21:00 营业，体验课每人 68 元。
"""
TEAS = [
    "Longjing",
    "Biluochun",
    "Keemun",
    "Lapsang",
    "Dianhong",
    "Tieguanyin",
    "Dahongpao",
    "Jasmine",
    "Puer",
    "Anji",
    "Maofeng",
    "Guapian",
    "Yinzhen",
    "Mudan",
    "Shoumei",
    "Dancong",
    "Shuixian",
    "Rougui",
    "Oolong",
    "Chrysanthemum",
    "Osmanthus",
    "Lychee",
    "Matcha",
    "Sencha",
]


@dataclass(frozen=True, slots=True)
class Shop:
    """An open base, the scorer over it, and how both are asked."""

    database: Database
    base: KnowledgeBase
    embedder: Embedder
    scorer: EvidenceScorer

    def search(self, query: str) -> tuple[Vectors, list[Passage]]:
        vector = self.embedder.queries([query])
        return vector, self.base.search(query, vector=vector)

    def found(self, one: Labelled) -> tuple[Vectors, list[Passage]]:
        return self.search(one.query)

    def evidence(self, question: str, language: str = "en") -> Evidence:
        return self.scorer.score(question, *self.search(question), language)

    def sentences(self) -> list[tuple[int, int]]:
        """(chunk, position) of every stored sentence vector."""
        rows = self.database.rows("SELECT chunk_id, position FROM sentences ORDER BY 1, 2")
        return [(row["chunk_id"], row["position"]) for row in rows]

    def readings(self) -> list[tuple[int, str]]:
        """(chunk, kind of reader) of every stored reading."""
        rows = self.database.rows("SELECT chunk_id, kind FROM readings ORDER BY 1, 2")
        return [(row["chunk_id"], row["kind"]) for row in rows]


def opened(
    folder: Path,
    embedder: Embedder,
    weights: Weights | None,
    documents: dict[str, str],
    models: Path | None = None,
) -> Shop:
    """A base in `folder` with these documents, by name; `models`: with the reader of English."""
    sources = folder / "docs"
    sources.mkdir()
    for name, text in documents.items():
        (sources / name).write_text(text, encoding="utf-8")
    database = Database(folder / "zhike.db")
    base = KnowledgeBase(database, folder / "index", embedder)
    assert all(i.status == "added" for i in base.add([sources] if documents else []))
    pulled = minilm.pulled(models) if models else None
    readers = packaged(), english(pulled) if pulled else None
    scorer = EvidenceScorer(database, embedder, readers[0], weights, readers[1])
    return Shop(database, base, embedder, scorer)


def price_list() -> str:
    """Every tea with a price and a weight, under a heading of its own."""
    return "# Teas\n\n" + "".join(
        f"## {tea}\n\nThe {tea} tea costs ${20 + i}. Its tin is round and holds leaves.\n\n"
        for i, tea in enumerate(TEAS)
    )


def labelled() -> list[Labelled]:
    """The price of each tea, which is there, and its caffeine, which is not."""
    asked = [
        Labelled(
            f"How much does the {tea} tea cost?", "", "en", True, ("teas.md",), ((f"${20 + i}",),)
        )
        for i, tea in enumerate(TEAS)
    ]
    return asked + [
        Labelled(f"Who picked the {tea} and how much caffeine is in it?", "", "en", False)
        for tea in TEAS
    ]
