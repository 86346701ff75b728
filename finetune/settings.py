"""The section [finetune] of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SplitBy = Literal["customer", "conversation", "time"]


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """What may be learnt from."""

    speaker_share: float = 0.3  # above 0 to 1: of the rows, at most from one person, of ten or more
    split: SplitBy = "customer"  # what may not be on both sides; "time": the latest are measured
