"""This package's section of the settings, [chatbot]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ChatbotSettings:
    """How a turn is understood and answered."""

    generator: str = "SmolLM2-135M-Instruct"  # packaged name, hub id, folder; "none" only quotes
    generator_revision: str = ""  # 40 hex digits pin a hub model
    generator_languages: tuple[str, ...] = ()  # of a generator that does not tell them itself
    intent_encoder: Literal["all-MiniLM-L6-v2", "none"] = "all-MiniLM-L6-v2"  # of English turns
    answers: Literal["auto", "quote", "generate"] = "auto"  # who writes: see policy.py
    languages: tuple[str, ...] = ("zh-Hans", "zh-Hant", "en")
    max_question: int = 2_000  # characters; longer messages are refused with a sentence
    max_answer_tokens: int = 120
    max_generation_seconds: float = 20.0
