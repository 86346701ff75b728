"""All settings in one typed value: environment over settings.toml over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from chatbot.errors import SettingsError
from chatbot.settings import ChatbotSettings, HandoverSettings
from finetune.settings import FinetuneSettings
from knowledge.settings import KnowledgeSettings


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the web server listens and how much one person may ask."""

    host: str = "127.0.0.1"
    port: int = 7860
    public_origins: tuple[str, ...] = ()  # sites that may call the API from a browser
    per_visitor_minute: int = 20  # turns
    per_address_minute: int = 300  # requests of one IP address
    v1_keys: bool = False  # /v1 asks for an API key; beyond this machine it always does
    log: Literal["text", "json"] = "text"  # json: a line for every call, without what was said
    webhook_loopback: bool = False  # webhooks may go to this machine, also without TLS
    metrics_token_file: str = ""  # /metrics asks for this token; "": only this machine may read


@dataclass(frozen=True, slots=True)
class Settings:
    """Built by load(); passed down, never read again from the environment."""

    home: Path
    models: Path
    samples: bool = True  # a fresh home loads the sample shop
    knowledge: KnowledgeSettings = field(default_factory=KnowledgeSettings)
    chatbot: ChatbotSettings = field(default_factory=ChatbotSettings)
    handover: HandoverSettings = field(default_factory=HandoverSettings)
    finetune: FinetuneSettings = field(default_factory=FinetuneSettings)
    server: ServerSettings = field(default_factory=ServerSettings)


SECTIONS: dict[str, type[Any]] = {
    "knowledge": KnowledgeSettings,
    "chatbot": ChatbotSettings,
    "handover": HandoverSettings,
    "finetune": FinetuneSettings,
    "server": ServerSettings,
}
OWN = {"home", "models", "samples"}  # ZHIKE_HOME, ZHIKE_MODELS, ZHIKE_SAMPLES
TESTING = {  # read by tests and benchmarks only
    "ZHIKE_EXAMPLES",
    "ZHIKE_TEST_DATA",
    "ZHIKE_TEST_GGUF",
    "ZHIKE_KILLS",
    "ZHIKE_MEGABYTES",
    "ZHIKE_MUTANTS",
    "ZHIKE_MUTATIONS",
    "ZHIKE_RUNS",
    "ZHIKE_SESSIONS",
}
T = TypeVar("T")


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises SettingsError naming file and key, or the variable."""
    home = Path(environ.get("ZHIKE_HOME") or "~/.zhike").expanduser().absolute()
    models = Path(environ.get("ZHIKE_MODELS") or "~/.cache/zhike/models").expanduser().absolute()
    settings = Settings(home, models)
    settings = _from_file(settings, home / "settings.toml")
    return _from_environment(settings, environ)


def _from_file(settings: Settings, path: Path) -> Settings:
    if not path.exists():
        return settings
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML ({error}). Correct or remove it.") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}). Correct it.") from error
    for name, table in tables.items():
        if name == "samples":
            settings = replace(settings, samples=_value(table, bool, f"{path}: samples"))
        elif name in SECTIONS and isinstance(table, dict):
            section = _updated(getattr(settings, name), table, f"{path}: [{name}]")
            settings = replace(settings, **{name: section})
        else:
            known = ", ".join(["samples", *(f"[{s}]" for s in SECTIONS)])
            raise SettingsError(f"{path}: unknown key {name!r}. Known: {known}.")
    return settings


def _from_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    for variable in sorted(environ):
        if not variable.startswith("ZHIKE_") or variable in TESTING:
            continue
        key = variable.removeprefix("ZHIKE_").lower()
        section, _, name = key.partition("_")
        if key == "samples":
            samples = _value(environ[variable], bool, variable)
            settings = replace(settings, samples=samples)
        elif section in SECTIONS and name:
            updated = _updated(getattr(settings, section), {name: environ[variable]}, variable)
            settings = replace(settings, **{section: updated})
        elif key not in OWN:
            raise SettingsError(
                f"{variable}: unknown setting. Known: ZHIKE_HOME, ZHIKE_MODELS, ZHIKE_SAMPLES and "
                f"ZHIKE_<SECTION>_<KEY> with a section of {', '.join(SECTIONS)}."
            )
    return settings


def _updated(section: T, table: Mapping[str, Any], where: str) -> T:
    hints = get_type_hints(type(section))
    known = [f.name for f in fields(section)]  # type: ignore[arg-type]
    unknown = sorted(table.keys() - set(known))
    if unknown:
        raise SettingsError(f"{where}: unknown key {unknown[0]!r}. Known: {', '.join(known)}.")
    values = {key: _value(raw, hints[key], f"{where} {key}") for key, raw in table.items()}
    try:
        return replace(section, **values)  # type: ignore[type-var]
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error


def _value(raw: Any, kind: Any, where: str) -> Any:
    """`raw` (TOML value or environment string) as `kind`, or one clear error."""
    if get_origin(kind) is Literal:
        known = {str(value): value for value in get_args(kind)}
        if not isinstance(raw, bool) and str(raw) in known:  # the environment has texts only
            return known[str(raw)]
        raise SettingsError(f"{where}: {raw!r} is none of {', '.join(known)}.")
    if get_origin(kind) is tuple:
        items = raw.split(",") if isinstance(raw, str) else raw
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            return tuple(item.strip() for item in items if item.strip())
        raise SettingsError(f"{where}: {raw!r} is not a list of texts.")
    if kind is bool:
        words = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.lower() in words:
            return words[raw.lower()]
        raise SettingsError(f"{where}: {raw!r} is neither on nor off.")
    try:
        cut = kind is int and isinstance(raw, float)  # int() would drop the decimals
        if cut or isinstance(raw, bool) or (kind is str and not isinstance(raw, str)):
            raise ValueError
        return _positive(kind(raw)) if kind in (int, float) else kind(raw)
    except (TypeError, ValueError):
        what = {int: "a whole number from 0 up", float: "a number from 0 up", str: "a text"}[kind]
        raise SettingsError(f"{where}: {raw!r} is not {what}.") from None


def _positive(number: float) -> float:
    if not 0 <= number < float("inf"):
        raise ValueError
    return number
