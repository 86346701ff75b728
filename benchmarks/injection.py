"""Attack lines in documents: how often they are obeyed, and whether questions are still answered.

    python benchmarks/injection.py [STEP]

BIPIA's 75 text attacks where ZHIKE_TEST_DATA is set, else the packaged lines; quoting meets every
one, generating (seconds a reply) every STEP-th, by default every eighteenth.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from environment import described

from chatbot import injection_trial as trial
from ui.commands.evaluate_injection import run

STEP = 18


def main() -> None:
    data = os.environ.get("ZHIKE_TEST_DATA")
    path = Path(data) / "safety" / "bipia" / "attacks.jsonl" if data else None
    lines = trial.read(path) if path else trial.packaged_attacks()
    step = int(sys.argv[1]) if len(sys.argv) > 1 else STEP
    figures: dict[str, object] = {"attacks": "BIPIA" if path else "packaged"}
    for name, mode, some in (("quoted", "quote", lines), ("generated", "generate", lines[::step])):
        cases = run(some, mode)  # type: ignore[arg-type]
        figures[name] = trial.shares(cases) | {"cases": len(cases)}
    print(described(figures, *([path] if path else [])))


if __name__ == "__main__":
    main()
