"""What a person asks for: transcripts, preset, base. A file hands it to the training process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chatbot.settings import ChatbotSettings
from finetune.settings import FinetuneSettings
from knowledge.settings import KnowledgeSettings

MODEL = ChatbotSettings().generator  # the packaged one


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be made."""

    home: Path
    models: Path
    transcripts: tuple[Path, ...]
    preset: str = "smoke"
    name: str = ""  # "" numbers it: smoke-20260131-1
    model: str = MODEL  # packaged name, folder or pulled hub id
    revision: str = ""
    all_languages: bool = False  # also those that the base does not speak
    mapping: dict[str, str] = field(default_factory=dict)  # field → column of a table
    resume: str = ""  # an interrupted run to continue; its own job then counts
    lessons: bool = False  # learn what the team accepted instead of transcripts; see learning.py
    replay: float = 0.0  # 0 to below 1: then, of the replies, from the champion's own data
    start: str = ""  # folder of the adapter that it begins with; "" begins with the base
    preference: str = ""  # a finished run: learn from its runner-ups and from corrections instead
    finetune: FinetuneSettings = field(default_factory=FinetuneSettings)
    knowledge: KnowledgeSettings = field(default_factory=KnowledgeSettings)

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Job:
        table = json.loads(text)
        table["knowledge"] = KnowledgeSettings(**table["knowledge"])
        table["finetune"] = FinetuneSettings(**table["finetune"])
        table["transcripts"] = tuple(Path(path).absolute() for path in table["transcripts"])
        return cls(**table | {"home": Path(table["home"]), "models": Path(table["models"])})
