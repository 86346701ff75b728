"""This package's sections of the settings, [chatbot] and [handover]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from chatbot.date_order import DateOrder
from chatbot.errors import SettingsError
from chatbot.house_rules import HouseRules
from chatbot.links import HOST
from chatbot.office import Office


@dataclass(frozen=True, slots=True)
class ChatbotSettings:
    """How a turn is understood and answered."""

    generator: str = "SmolLM2-135M-Instruct"  # packaged name, hub id, folder; "none" only quotes
    generator_revision: str = ""  # 40 hex digits pin a hub model
    generator_bits: Literal[0, 8, 16, 32] = 0  # of its weights; 0: as the machine is fastest
    generator_engine: Literal["transformers", "openvino"] = "transformers"  # runs it here
    generator_languages: tuple[str, ...] = ()  # of a generator that does not tell them itself
    generator_url: str = ""  # of an OpenAI-compatible server that serves `generator` by that name
    generator_key_file: str = ""  # holds its API key
    generator_connect_seconds: float = 3.0
    generator_silence_seconds: float = 10.0  # until its first word, and between two
    generator_retries: int = 2
    intent_encoder: Literal["all-MiniLM-L6-v2", "none"] = "all-MiniLM-L6-v2"  # of English turns
    answers: Literal["auto", "quote", "generate"] = "auto"  # who writes: see policy.py
    allowed_links: tuple[str, ...] = ()  # hosts that a written answer may link to anyway
    languages: tuple[str, ...] = ("zh-Hans", "zh-Hant", "en")
    date_order: DateOrder = ""  # of 03/04; "" shows both readings where the language does not tell
    originals_days: int = 30  # masked personal data is kept apart so long; 0: not at all
    retention_days: int = 0  # conversations are erased so long after the last word; 0: never
    max_question: int = 2_000  # characters; longer messages are refused with a sentence
    max_answer_tokens: int = 120
    max_generation_seconds: float = 20.0

    def __post_init__(self) -> None:
        if self.generator_url and not _address(self.generator_url):
            raise SettingsError(
                f"generator_url {self.generator_url!r} is no address of a server. Write it up to "
                "/v1, such as http://127.0.0.1:8000/v1; a key belongs into generator_key_file."
            )
        for host in self.allowed_links:
            if not HOST.fullmatch(host):
                raise SettingsError(
                    f"allowed_links has {host!r}, which is no host. Write it in small letters and "
                    "without https:// and path, such as shop.example.com."
                )


@dataclass(frozen=True, slots=True)
class HandoverSettings:
    """When people of the team answer, and what is left to them. Raises SettingsError."""

    hours: tuple[str, ...] = ()  # such as "Mon-Fri 09:00-18:00"; none: at any time
    time_zone: str = "UTC"  # IANA name
    closed: tuple[str, ...] = ()  # days off, such as "2026-12-25", "2026-10-01..2026-10-07"
    topics: tuple[str, ...] = ()  # intents that people always handle
    words: tuple[str, ...] = ()  # that call a person

    def __post_init__(self) -> None:
        self.office()
        self.rules()

    def office(self) -> Office:
        return Office.of(self.hours, self.time_zone, self.closed)

    def rules(self) -> HouseRules:
        return HouseRules(self.words, self.topics)


def _address(url: str) -> bool:
    """An http(s) address without user, query and fragment."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.username is None and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and port != 0
