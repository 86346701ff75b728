"""The section [finetune] of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SplitBy = Literal["customer", "conversation", "time"]


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """What may be learnt from."""

    speaker_share: float = 0.3  # above 0 to 1: of the rows, at most from one person, of ten or more
    replay: float = 0.25  # 0 to below 1: of what is learnt anew, from the champion's own data
    pull: float = 0.001  # 0 or above: towards the champion's weights (L2-SP), in `zhike learn`
    split: SplitBy = "customer"  # what may not be on both sides; "time": the latest are measured
