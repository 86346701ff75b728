"""A trained adapter as a folder that serving accepts: PEFT files and zhike.json."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from chatbot.model_files import folder_sha256, publish
from finetune.errors import TrainingError

CARD = "zhike.json"


@dataclass(frozen=True, slots=True)
class Card:
    """What an adapter was made from; serving refuses another base or template."""

    name: str  # of the run
    base: str
    base_sha256: str
    template_hash: str  # chatbot.prompt.template_hash
    dataset_sha256: str


def halve(model: Any) -> None:
    """Adapter weights rounded to bfloat16, as they are saved, so that this is measured.

    They are kept in the type in which the model serves.

    Raises TrainingError when they are not finite or were never moved: LoRA's B starts as zeros.
    """
    moved = 0.0
    served = next(w.dtype for name, w in model.named_parameters() if "lora_" not in name)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.to(torch.bfloat16).to(served)
            if not torch.isfinite(parameter).all():
                raise TrainingError(f"The adapter has numbers that are not finite in {name}.")
            moved += float(parameter.data.abs().sum()) if "lora_B" in name else 0.0
    if not moved:
        raise TrainingError("The adapter was not moved by the training. Train for more steps.")


def save(model: Any, card: Card, run: Path) -> str:
    """Write `run`/adapter at once or not at all; returns its folder_sha256.

    Everything is written to a tmp- folder and synced before one rename, so a reader never sees
    half an adapter.
    """
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=run) as staging:
        built = Path(staging) / "built"
        # Its name instead of this machine's path: the folder may be moved, serving compares names.
        model.peft_config["default"].base_model_name_or_path = card.base
        weights = {k: w.to(torch.bfloat16) for k, w in model.state_dict().items() if "lora_" in k}
        model.save_pretrained(
            built, safe_serialization=True, save_embedding_layers=False, state_dict=weights
        )
        (built / "README.md").unlink(missing_ok=True)  # PEFT's template, empty but for headings
        text = json.dumps(asdict(card), indent=1)
        (built / CARD).write_text(text, encoding="utf-8")
        publish(built, run / "adapter", Path(staging))
    return folder_sha256(run / "adapter")
