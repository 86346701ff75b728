"""Names as people would say them, and the words of a text that pull towards an intent."""

from __future__ import annotations

from chatbot.intents.features import plain
from chatbot.intents.model import Model

SHOWN = 6  # words


def readable(name: str) -> str:
    """card_arrival → card arrival."""
    return " ".join(name.translate(str.maketrans("_-+/", "    ")).split())


def pulls(model: Model, text: str, intent: str) -> tuple[tuple[str, float], ...]:
    """What the score of an intent loses when one word is left out, the strongest first.

    Only the part that word and character n-grams contribute: the embedding is of the whole text.
    """
    import jieba  # a dictionary of a second, which no turn should wait for

    words = [w for w in jieba.lcut(plain(text)) if any(c.isalnum() for c in w)]
    distinct = list(dict.fromkeys(words))
    without = [plain(text).replace(word, " ") for word in distinct]
    grams = model.features.grams([text, *without])
    column = model.weights[: grams.shape[1], model.names.index(intent)]
    whole, *rest = (grams @ column).tolist()
    found = [(word, whole - left) for word, left in zip(distinct, rest, strict=True)]
    return tuple(sorted(found, key=lambda pair: -abs(pair[1]))[:SHOWN])
