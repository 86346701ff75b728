"""The section [finetune] of the settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """What may be learnt from."""

    speaker_share: float = 0.3  # above 0 to 1: of the rows, at most from one person, of ten or more
