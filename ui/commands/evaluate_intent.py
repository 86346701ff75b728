"""`zhike evaluate intent`: how well intents are learned from one labelled file, on another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from chatbot.intents import labelled
from chatbot.intents.archive import Archive, strangers
from chatbot.intents.labelled import Data, Embed
from chatbot.intents.training import Texts
from knowledge import minilm
from knowledge.embedder import make_embedder
from ui.commands.opening import as_json
from ui.settings import Settings, load

AT_ONCE = 256  # texts between two moves of the progress bar


@click.command()
@click.option("--train", required=True, type=click.Path(path_type=Path), help="CSV: text, intent.")
@click.option("--valid", type=click.Path(path_type=Path), help="CSV that chooses the floors.")
@click.option("--test", required=True, type=click.Path(path_type=Path), help="CSV to measure on.")
@click.option("--out-of-scope", "unknown", help="The label of texts that have no intent.")
@click.option("--shots", type=click.IntRange(0, 1_000), help="Examples per intent; 0: its name.")
@click.option("--seeds", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--json", "json_", is_flag=True)
def intent(
    train: Path,
    valid: Path | None,
    test: Path,
    unknown: str | None,
    shots: int | None,
    seeds: int,
    json_: bool,
) -> None:
    """Intents of the test file, learned from the training file; no home is touched."""
    data = Data(
        labelled.read(train), labelled.read(test), labelled.read(valid) if valid else None, unknown
    )
    report = measured(data, load(), shots, seeds)
    if json_:
        as_json(report)
        return
    for name, value in report.items():
        click.echo(f"{name:18} {'–' if value is None else value}")


def measured(data: Data, settings: Settings, shots: int | None, seeds: int) -> dict[str, object]:
    """The mean of the seeds with few shots; without `shots` nothing is left to chance."""
    embed, name = embedding(settings)
    many = range(1, seeds + 1) if shots is not None and shots > 0 else (1,)
    runs = [labelled.measure(data, embed, strangers(), name, shots, seed) for seed in many]
    return labelled.averaged(runs)


def embedding(settings: Settings) -> tuple[Embed, str]:
    """Texts with the vectors of the configured encoders, kept beside the models; and whose they
    are.
    """
    embedder = make_embedder(settings.knowledge, settings.models)
    english = None
    if settings.chatbot.intent_encoder != "none":
        english = minilm.packaged(settings.models)
    cache = settings.models.parent / "embeddings"
    archive = Archive(cache, cache, embedder, english)

    def embed(texts: Sequence[str]) -> Texts:
        starts = tqdm(range(0, len(texts), AT_ONCE), unit=f"·{AT_ONCE} texts", disable=None)
        parts = [archive.embedded(texts[start : start + AT_ONCE]) for start in starts]
        names = parts[0].vectors
        return Texts(texts, {n: np.concatenate([p.vectors[n] for p in parts]) for n in names})

    return embed, embedder.name
