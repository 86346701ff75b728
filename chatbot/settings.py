"""This package's sections of the settings, [chatbot] and [handover]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chatbot.office import Office


@dataclass(frozen=True, slots=True)
class ChatbotSettings:
    """How a turn is understood and answered."""

    generator: str = "SmolLM2-135M-Instruct"  # packaged name, hub id, folder; "none" only quotes
    generator_revision: str = ""  # 40 hex digits pin a hub model
    generator_languages: tuple[str, ...] = ()  # of a generator that does not tell them itself
    intent_encoder: Literal["all-MiniLM-L6-v2", "none"] = "all-MiniLM-L6-v2"  # of English turns
    answers: Literal["auto", "quote", "generate"] = "auto"  # who writes: see policy.py
    languages: tuple[str, ...] = ("zh-Hans", "zh-Hant", "en")
    originals_days: int = 30  # masked personal data is kept apart so long; 0: not at all
    max_question: int = 2_000  # characters; longer messages are refused with a sentence
    max_answer_tokens: int = 120
    max_generation_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class HandoverSettings:
    """When people of the team answer. Raises SettingsError for hours or a zone that is none."""

    hours: tuple[str, ...] = ()  # such as "Mon-Fri 09:00-18:00"; none: at any time
    time_zone: str = "UTC"  # IANA name

    def __post_init__(self) -> None:
        self.office()

    def office(self) -> Office:
        return Office.of(self.hours, self.time_zone)
