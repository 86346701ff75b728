"""Texts with vectors made by hand: words of a topic lie near each other, so nothing is embedded."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from chatbot.intents.training import Examples, Texts
from knowledge.types import Vectors

TOPICS = {
    "parcel": ("parcel", "delivery", "courier", "tracking", "shipment"),
    "money": ("refund", "money", "bank", "reimburse", "payback"),
    "kettle": ("kettle", "boil", "lid", "descale", "heating"),
    "person": ("human", "agent", "colleague", "operator", "somebody"),
    "bill": ("invoice", "receipt", "tax", "billing", "voucher"),
}
FRAMES = (
    "where is my {}",
    "i have a question about {}",
    "please help with the {} now",
    "what about {} today",
    "tell me of {}",
    "{} does not work",
)
FAR = ("jupiter has moons", "bake a cake", "the river is long", "she sings", "snow in may")


def vectors(texts: Sequence[str]) -> Vectors:
    """Unit rows: a direction per topic, and noise that the text decides."""
    rows = []
    for text in texts:
        noise = np.random.default_rng(zlib.crc32(text.encode())).normal(0, 0.25, 16)
        for place, words in enumerate(TOPICS.values()):
            noise[place] += sum(word in text for word in words)
        rows.append(noise / np.linalg.norm(noise))
    return np.array(rows, np.float32).reshape(-1, 16)


def embedded(texts: Sequence[str]) -> Texts:
    return Texts(texts, {"e5": vectors(texts)})


def sentences() -> list[tuple[str, str]]:
    """(text, topic), 30 of each topic."""
    return [
        (frame.format(word), topic)
        for topic, words in TOPICS.items()
        for word in words
        for frame in FRAMES
    ]


def examples(rows: Sequence[tuple[str, str]]) -> Examples:
    names = tuple(sorted({topic for _, topic in rows}))
    labels = np.array([[topic == name for name in names] for _, topic in rows])
    keys = np.arange(1, len(rows) + 1)
    return Examples(names, embedded([text for text, _ in rows]), labels, keys)
