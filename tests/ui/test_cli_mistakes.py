"""The command `zhike`: one sentence for every mistake, and nothing half done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pypdf import PdfWriter

from .command import GOLDEN, Done, Run, counts, documents, full, golden, run

__all__ = ["documents", "full", "golden", "run"]  # fixtures

ROOT = Path(__file__).parents[2]


def _is_one_sentence(done: Done) -> bool:
    return (
        done.status == 1
        and len(done.err.strip().splitlines()) == 1
        and done.err.strip().endswith(".")
        and "Traceback" not in done.err
    )


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Files that cannot be added, and one that can."""
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "empty.md").touch()
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n")
    (folder / "good.md").write_text("# Gifts\n\nGift cards last three years.\n", encoding="utf-8")
    with (folder / "huge.txt").open("wb") as file:
        file.truncate(60 << 20)
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret")
    writer.write(folder / "locked.pdf")
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing.md", "no such file"),
        ("picture.png", "'.png' cannot be read. Supported:"),
        ("empty.md", "is empty"),
        ("locked.pdf", "encrypted"),
        ("huge.txt", "larger than 25 MB"),
    ],
)
@pytest.mark.parametrize("json_", [True, False])
def test_a_file_that_cannot_be_added(
    run: Run, home: Path, bad: Path, name: str, words: str, json_: bool
) -> None:
    done = run("knowledge", "add", bad / name, *(["--json"] if json_ else []))
    assert _is_one_sentence(done) and words in done.err and name in done.err
    if json_:
        (row,) = done.json
        assert (row["document"], row["status"], row["chunks"]) == (name, "failed", 0)
        assert words in row["error"]
    else:
        assert done.out == ""
    assert counts(home) == {}


def test_bad_files_do_not_stop_the_others(run: Run, bad: Path) -> None:
    done = run("knowledge", "add", bad, bad / "nothing.md", "--json")
    assert done.status == 1 and "Traceback" not in done.err
    status = {row["document"]: row["status"] for row in done.json}
    assert status.pop("good.md") == "added" and {*status.values()} == {"failed"}
    assert len(status) == 5 == len(done.err.strip().splitlines())
    assert [row["document"] for row in run("knowledge", "list", "--json").json] == ["good.md"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ask", "hello", "--session", "nosuch"], "no conversation 'nosuch'"),
        (["ask", "hello", "--session", "nosuch", "--json"], "no conversation 'nosuch'"),
        (["knowledge", "remove", "nosuch.md"], "no document 'nosuch.md'"),
        (["knowledge", "show", "nosuch.md"], "no document 'nosuch.md'"),
        (["knowledge", "publish", "nosuch.md"], "no document 'nosuch.md'"),
        (["knowledge", "rollback", "returns.md"], "None is kept"),
        (["knowledge", "rollback", "returns.md", "--to", "1"], "is the current one"),
        (["knowledge", "rollback", "returns.md", "--to", "-7"], "no version -7"),
        (["knowledge", "dates", "returns.md", "--from", "soon"], "'soon' is not a date"),
        (["knowledge", "dates", "returns.md", "--until", "2026-13-01"], "is not a date"),
        (["knowledge", "collections", "set", " ", "--review", "on"], "needs a name"),
        (["knowledge", "export", "{home}"], "something already"),
        (["knowledge", "import", "nosuch.zip"], "no such file"),
        (["knowledge", "import", "{golden}"], "damaged"),
        (["knowledge", "calibrate", "--questions", "nosuch.jsonl"], "nosuch.jsonl"),
        (["knowledge", "calibrate", "--questions", "{golden}"], "at least 20 of each"),
        (["runs", "show", "nosuch"], "no run 'nosuch'"),
        (["runs", "promote", "nosuch"], "no run 'nosuch'"),
        (["runs", "rollback"], "nothing to roll back"),
        (["train", "--transcripts", "nosuch.csv"], "nosuch.csv: no such file"),
        (["evaluate", "answers", "--golden", "nosuch.jsonl"], "nosuch.jsonl"),
        (["evaluate", "answers", "--golden", "nosuch.jsonl", "--json"], "nosuch.jsonl"),
        (["evaluate", "answers", "--golden", "{home}"], "cannot be read"),
        (["evaluate", "answers", "--golden", "{golden}", "--knowledge", "nosuch"], "nosuch"),
        (["models", "pull", "nosuch"], "no model 'nosuch'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    full: Run, home: Path, golden: Path, arguments: list[str], words: str
) -> None:
    before = counts(home)
    done = full(*(a.format(home=home, golden=golden) for a in arguments))
    assert _is_one_sentence(done) and words in done.err
    assert done.err.startswith("zhike: ") and done.out == ""
    assert counts(home) == before


@pytest.mark.parametrize(
    "line", ["", "not JSON", "[1]", '"text"', '{"id": 1}', '{"question": "?", "answerable": true}']
)
def test_a_line_that_is_no_golden_question(run: Run, golden: Path, line: str) -> None:
    golden.write_text(f"{json.dumps(GOLDEN[0])}\n{line}\n" if line else "\n", encoding="utf-8")
    done = run("evaluate", "answers", "--golden", golden)
    assert _is_one_sentence(done)
    assert f"{golden}:2" in done.err if line else "no questions" in done.err


@pytest.mark.slow
def test_a_folder_without_transcripts(run: Run, documents: Path) -> None:
    (documents / "faq.csv").unlink()  # a table of questions with answers could be learnt from
    done = run("train", "--transcripts", documents)
    assert done.status == 1 and "Traceback" not in done.err
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("zhike: No conversations found in") and "supported" in last
    (entered,) = run("runs", "list", "--json").json
    assert entered["state"] == "failed" and not entered["serves"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "hello"],
        ["knowledge", "list"],
        ["runs", "list"],
        ["train", "--transcripts", str(ROOT / "samples" / "transcripts")],
        ["serve"],
        ["doctor"],
    ],
    ids=lambda a: " ".join(a[:2]),
)
def test_a_home_that_cannot_be_made(
    run: Run, golden: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("ZHIKE_HOME", str(golden))  # a file
    done = run(*arguments)
    assert _is_one_sentence(done) and str(golden) in done.err and "ZHIKE_HOME" in done.err


@pytest.mark.parametrize("command", ["ask hello", "knowledge list", "runs list", "serve", "doctor"])
def test_a_mistake_in_the_settings(run: Run, home: Path, command: str) -> None:
    (home / "settings.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")
    done = run(*command.split())
    assert _is_one_sentence(done)
    assert f"{home / 'settings.toml'}: [server]: unknown key 'prot'" in done.err


def test_a_damaged_calibration_says_how_to_go_on(full: Run, home: Path) -> None:
    (home / "evidence.npz").write_bytes(b"PK\x03\x04 cut off")
    done = full("ask", "Can I return opened tea?")
    assert done.status == 1 and "Traceback" not in done.err
    assert "evidence.npz" in done.err and "Remove the file" in done.err
    (home / "evidence.npz").unlink()
    assert full("knowledge", "list").status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["ask"],
        ["train"],
        ["knowledge", "add"],
        ["knowledge", "search", "x", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_status_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.status == 2 and "Usage: zhike" in done.err and "Traceback" not in done.err
