"""Right answers and right abstentions on the sample shop, quoting against generating.

    python benchmarks/answers.py [--generate]

Also which mistyped words of these and of the calibration questions are read as which others.
Golden: ordinary questions. Hard: riddle-like paraphrases and traps, reported, never tuned to.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from environment import ROOT, described

from chatbot import evaluate
from chatbot.app import build
from chatbot.query import query
from chatbot.settings import ChatbotSettings
from ui.settings import load

SETS = {"golden": "golden.jsonl", "hard": "hard.jsonl"}
CALIBRATION = "calibration.jsonl"
KEPT = ("by_language", "confusion", "median_characters", "p50_ms")
LOADING_SECONDS = 120


def main() -> None:
    mode = "generate" if "--generate" in sys.argv else "quote"
    settings = load()
    chatbot = ChatbotSettings(
        answers=mode, generator=settings.chatbot.generator if mode == "generate" else "none"
    )
    figures: dict[str, object] = {"answers": mode}
    with tempfile.TemporaryDirectory() as home:
        app = build(Path(home), settings.models, settings.knowledge, chatbot)
        list(app.knowledge.add([ROOT / "samples" / "knowledge"]))
        app.prepare()
        app.assistant.intents.fit()
        app.scorer.warm()
        if app.generator:
            app.generator.start()
            app.generator.wait(LOADING_SECONDS)
        for name, file in SETS.items():
            questions = evaluate.read(ROOT / "samples" / file)
            report = evaluate.summary([evaluate.ask(app, q) for q in questions])
            figures[name] = {key: report[key] for key in KEPT}
        figures["read as"] = {
            question.id: {c.wrong: c.right for c in found}
            for file in (*SETS.values(), CALIBRATION)
            for question in evaluate.read(ROOT / "samples" / file)
            if (found := query(question.question, (), app.knowledge.spelling).corrections)
        }
        app.close()
    data = [ROOT / "samples" / name for name in ("knowledge", *SETS.values(), CALIBRATION)]
    print(described(figures, *data))


if __name__ == "__main__":
    main()
