"""Settings: the environment over settings.toml over the defaults, and every mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.errors import SettingsError
from chatbot.house_rules import HouseRules
from ui.settings import Settings, load


def _load(home: Path, toml: str = "", **environ: str) -> Settings:
    if toml:
        (home / "settings.toml").write_text(toml, encoding="utf-8")
    return load({"ZHIKE_HOME": str(home), **environ})


def test_defaults(home: Path) -> None:
    settings = _load(home)
    assert settings.home == home and settings.samples
    assert settings.models == Path.home() / ".cache/zhike/models"
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 7860)
    assert settings.knowledge.passages == 16
    assert settings == _load(home, PATH="/bin", LANG="C.UTF-8")  # other variables do not count


def test_without_a_home_it_is_in_the_users_folder() -> None:
    assert load({}).home == Path.home() / ".zhike"
    assert load({"ZHIKE_HOME": "", "ZHIKE_MODELS": ""}) == load({})
    assert load({"ZHIKE_HOME": "~/shop"}).home == Path.home() / "shop"
    assert load({"ZHIKE_HOME": "shop"}).home == Path.cwd() / "shop"


def test_environment_over_file_over_default(home: Path) -> None:
    toml = '[server]\nport = 8000\nhost = "0.0.0.0"\n[knowledge]\npassages = 5\n'
    settings = _load(home, toml, ZHIKE_SERVER_PORT="9000", ZHIKE_CHATBOT_GENERATOR="none")
    assert (settings.server.port, settings.server.host) == (9000, "0.0.0.0")
    assert (settings.knowledge.passages, settings.knowledge.chunk_tokens) == (5, 160)
    assert settings.chatbot.generator == "none"


@pytest.mark.parametrize(
    ("word", "value"),
    [("off", False), ("OFF", False), ("false", False), ("0", False), ("on", True), ("1", True)],
)
def test_switches(home: Path, word: str, value: bool) -> None:
    assert _load(home, ZHIKE_SAMPLES=word).samples is value
    assert _load(home, f'samples = "{word}"\n').samples is value
    assert _load(home, "samples = false\n", ZHIKE_SAMPLES="on").samples is True


@pytest.mark.parametrize("bits", [0, 8, 16, 32])
def test_a_choice_of_numbers(home: Path, bits: int) -> None:
    assert _load(home, ZHIKE_CHATBOT_GENERATOR_BITS=str(bits)).chatbot.generator_bits == bits
    assert _load(home, f"[chatbot]\ngenerator_bits = {bits}\n").chatbot.generator_bits == bits
    for wrong in ("4", "true", "8.0", ""):
        with pytest.raises(SettingsError, match="is none of 0, 8, 16, 32"):
            _load(home, ZHIKE_CHATBOT_GENERATOR_BITS=wrong)
    with pytest.raises(SettingsError, match="True is none of"):
        _load(home, "[chatbot]\ngenerator_bits = true\n")


def test_a_choice_of_words(home: Path) -> None:
    assert _load(home).chatbot.generator_engine == "transformers"
    for way in ({"ZHIKE_CHATBOT_GENERATOR_ENGINE": "openvino"}, {}):
        toml = "" if way else '[chatbot]\ngenerator_engine = "openvino"\n'
        assert _load(home, toml, **way).chatbot.generator_engine == "openvino"
    with pytest.raises(SettingsError, match="'onnx' is none of transformers, openvino"):
        _load(home, ZHIKE_CHATBOT_GENERATOR_ENGINE="onnx")


def test_office_hours_and_their_zone(home: Path) -> None:
    toml = '[handover]\nhours = ["Mon-Fri 09:00-18:00"]\n'
    settings = _load(home, toml, ZHIKE_HANDOVER_TIME_ZONE="Asia/Shanghai")
    assert settings.handover.office().zone.key == "Asia/Shanghai"
    with pytest.raises(SettingsError, match=r"ZHIKE_HANDOVER_TIME_ZONE: .*'Mars/Base' is no time"):
        _load(home, ZHIKE_HANDOVER_TIME_ZONE="Mars/Base")
    with pytest.raises(SettingsError, match=r"settings.toml: \[handover\]: '9 to 5' are no office"):
        _load(home, '[handover]\nhours = ["9 to 5"]\n')


def test_what_is_left_to_people(home: Path) -> None:
    toml = '[handover]\nwords = ["律师", "lawyer"]\ntopics = ["complaint"]\n'
    rules = _load(home, toml).handover.rules()
    assert rules == HouseRules(("律师", "lawyer"), ("complaint",))
    assert _load(home, ZHIKE_HANDOVER_WORDS="press, 曝光").handover.words == ("press", "曝光")
    with pytest.raises(SettingsError, match=r"settings.toml: \[handover\]: words has 'x'"):
        _load(home, '[handover]\nwords = ["x"]\n')
    with pytest.raises(SettingsError, match="is not a list of texts"):
        _load(home, "[handover]\ntopics = 3\n")


def test_lists_and_fractions(home: Path) -> None:
    toml = '[chatbot]\nlanguages = ["en"]\nmax_generation_seconds = 5\n'
    assert _load(home, toml).chatbot.languages == ("en",)
    settings = _load(
        home, ZHIKE_CHATBOT_LANGUAGES=" en, zh-Hans ,", ZHIKE_CHATBOT_MAX_GENERATION_SECONDS="2.5"
    )
    assert settings.chatbot.languages == ("en", "zh-Hans")
    assert settings.chatbot.max_generation_seconds == 2.5


@pytest.mark.parametrize(
    ("toml", "key"),
    [
        ("[server]\nprot = 8000\n", "'prot'"),
        ("[sever]\nport = 8000\n", "'sever'"),
        ("port = 8000\n", "'port'"),
        ("home = '/elsewhere'\n", "'home'"),
        ("knowledge = 3\n", "'knowledge'"),
        ("[server]\nport = 'many'\n", "port"),
        ("[server]\nport = -1\n", "port"),
        ("[server]\nport = true\n", "port"),
        ("[server]\nport = 8000.5\n", "port"),
        ("[server]\nport = [1]\n", "port"),
        ("[server]\nhost = 7\n", "host"),
        ("[server]\npublic_origins = 7\n", "public_origins"),
        ("[server]\npublic_origins = [7]\n", "public_origins"),
        ("[knowledge]\nindex = 'quick'\n", "index"),
        ("[chatbot]\nmax_generation_seconds = nan\n", "max_generation_seconds"),
        ("[chatbot]\nmax_generation_seconds = inf\n", "max_generation_seconds"),
        ("samples = 'perhaps'\n", "samples"),
        ("samples = 3\n", "samples"),
        ("[server\n", "not valid TOML"),
        ("[server]\nport = 1\nport = 2\n", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_names_file_and_key(home: Path, toml: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(home, toml)
    message = str(caught.value)
    assert message.startswith(f"{home / 'settings.toml'}: ") and key in message
    assert "\n" not in message and message.endswith(".")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ZHIKE_SERVER_PROT", "8000", "'prot'"),
        ("ZHIKE_SEVER_PORT", "8000", "unknown"),
        ("ZHIKE_PORT", "8000", "unknown"),
        ("ZHIKE_SERVER", "8000", "unknown"),
        ("ZHIKE_SERVER_", "8000", "unknown"),
        ("ZHIKE_SERVER_PORT", "eighty", "whole number"),
        ("ZHIKE_SERVER_PORT", "80.5", "whole number"),
        ("ZHIKE_SERVER_PORT", "-1", "whole number"),
        ("ZHIKE_SERVER_PORT", "", "whole number"),
        ("ZHIKE_CHATBOT_ANSWERS", "never", "auto, quote, generate"),
        ("ZHIKE_CHATBOT_MAX_GENERATION_SECONDS", "nan", "number"),
        ("ZHIKE_SAMPLES", "perhaps", "neither on nor off"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    home: Path, variable: str, value: str, words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(home, **{variable: value})
    message = str(caught.value)
    assert message.startswith(variable) and words in message
    assert "\n" not in message and message.endswith(".")


def test_an_unknown_key_lists_the_known_ones(home: Path) -> None:
    with pytest.raises(SettingsError, match=r"Known: .*\bport\b.*per_visitor_minute"):
        _load(home, "[server]\nprot = 8000\n")


def test_a_file_that_is_no_text_or_no_file(home: Path) -> None:
    path = home / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"settings\.toml: not valid TOML"):
        _load(home)
    path.unlink()
    path.mkdir()
    with pytest.raises(SettingsError, match=r"settings\.toml: cannot be read"):
        _load(home)


def test_a_loaded_value_cannot_be_changed(home: Path) -> None:
    settings = _load(home)
    with pytest.raises(AttributeError):
        settings.samples = False  # type: ignore[misc]
