"""How long a quoted turn takes, step by step, over distinct questions.

python benchmarks/turn.py
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from environment import ROOT, described

from chatbot import evaluate
from chatbot.app import build
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
        outcomes = [evaluate.ask(app, q) for q in evaluate.read(golden)]
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
    }
    print(described(figures, golden))


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
    }


if __name__ == "__main__":
    main()
