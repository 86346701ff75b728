"""Intents on three public sets: accuracy, "none of these", several per turn, few shots.

    python benchmarks/intents.py [--data shared/data/intents] [--only banking77|clinc150|crosswoz]

Computes about 50,000 embeddings the first time (a quarter of an hour on two cores) and keeps them.
Nothing is chosen on the test files: floors come from withheld rows, or from CLINC150's own
validation file, which has no out-of-scope rows.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from environment import described

from chatbot.intents import labelled
from chatbot.intents.labelled import Data
from ui.commands.evaluate_intent import measured
from ui.settings import Settings, load

SHOTS = (0, 1, 5, 10)
SEEDS = 3


def _data(folder: Path, valid: bool = False, unknown: str | None = None) -> Data:
    return Data(
        labelled.read(folder / "train.csv"),
        labelled.read(folder / "test.csv"),
        labelled.read(folder / "valid.csv") if valid else None,
        unknown,
    )


def banking77(root: Path, settings: Settings) -> dict[str, Any]:
    data = _data(root / "banking77_en")
    few = {f"{n} per intent": measured(data, settings, n, SEEDS) for n in SHOTS}
    return {"full": measured(data, settings, None, 1), **few}


def clinc150(root: Path, settings: Settings) -> dict[str, Any]:
    data = _data(root / "clinc150_en", valid=True, unknown="oos")
    return {"full": measured(data, settings, None, 1)}


def crosswoz(root: Path, settings: Settings) -> dict[str, Any]:
    return {"full": measured(_data(root / "crosswoz_zh"), settings, None, 1)}


SETS = {"crosswoz": crosswoz, "banking77": banking77, "clinc150": clinc150}
FOLDERS = {"crosswoz": "crosswoz_zh", "banking77": "banking77_en", "clinc150": "clinc150_en"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Intents on three public sets.")
    given = os.environ.get("ZHIKE_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(given) / "intents")
    parser.add_argument("--only", choices=list(SETS))
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        print(f"{chosen.data}: the public sets are not there, so nothing is measured.")
        return
    names = [chosen.only] if chosen.only else list(SETS)
    settings = load()
    figures = {name: SETS[name](chosen.data, settings) for name in names}
    print(described(figures, *(chosen.data / FOLDERS[name] for name in names)))


if __name__ == "__main__":
    main()
