"""How long a quoted turn takes, step by step, over distinct questions.

    python benchmarks/turn.py
    .venv-peers/bin/python benchmarks/turn.py

`make peers` makes .venv-peers: then Haystack and LlamaIndex route the same questions to the same
intents, whose examples and questions are embedded before.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from environment import ROOT, described

from chatbot import evaluate
from chatbot.app import build
from chatbot.intents.store import packaged
from chatbot.settings import ChatbotSettings
from ui.settings import load

UNDERSTANDING = ("language", "screen", "intent", "entities", "mood", "policy")


def main() -> None:
    settings = load()
    golden = ROOT / "samples" / "golden.jsonl"
    with tempfile.TemporaryDirectory() as home:
        app = build(
            Path(home), settings.models, settings.knowledge, ChatbotSettings(generator="none")
        )
        list(app.knowledge.add([ROOT / "samples" / "knowledge"]))
        app.prepare()
        app.assistant.intents.fit()
        app.scorer.warm()
        questions = evaluate.read(golden)
        outcomes = [evaluate.ask(app, q) for q in questions]
        app.close()
    steps: dict[str, list[float]] = {}
    for outcome in outcomes:
        for step in outcome.reply.trace:
            steps.setdefault(step.name, []).append(step.ms)
    totals = [outcome.milliseconds for outcome in outcomes]
    searched = [o.reply.trace for o in outcomes if any(s.name == "mood" for s in o.reply.trace)]
    understood = [sum(s.ms for s in trace if s.name in UNDERSTANDING) for trace in searched]
    figures = {
        "turns": len(totals),
        "total_ms": _quantiles(totals),
        "understanding_ms": _quantiles(understood),  # beside the one embedding of the turn
        "steps_ms": {name: _quantiles(values) for name, values in steps.items()},
        "routing_of_peers_ms": _peers(settings.models, [q.question for q in questions]),
    }
    print(described(figures, golden))


def _peers(models: Path, texts: Sequence[str]) -> dict[str, Any]:
    """Beside the embedding too; routing alone, which is one of the steps of understanding."""
    if find_spec("haystack") is None or find_spec("llama_index") is None:
        return {"left out": "run `make peers`, then .venv-peers/bin/python benchmarks/turn.py"}
    from peer_routing import ROUTERS
    from peers import remembering, versions

    embedder = remembering(models.parent / "embeddings")
    vectors = [embedder.queries([text]) for text in texts]
    examples = [(text, intent.name) for intent in packaged() for text in intent.examples]
    routers = {name: make(examples, embedder) for name, make in ROUTERS.items()}
    spent: dict[str, list[float]] = {name: [] for name in routers}
    for text, vector in zip(texts, vectors, strict=True):  # in turns, question by question
        for name, router in routers.items():
            begin = time.perf_counter()
            router.route(text, vector)
            spent[name].append((time.perf_counter() - begin) * 1000)
    return {name: _quantiles(values) for name, values in spent.items()} | {"versions": versions()}


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
    }


if __name__ == "__main__":
    main()
