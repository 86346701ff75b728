"""Files of any size: items one at a time, memory that does not grow with the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.transcripts import json_stream
from finetune.transcripts.conversation import BadRow, Source
from finetune.transcripts.gathered import Gathered
from finetune.transcripts.json_stream import layout_of, rows

MEGABYTES = int(os.environ.get("ZHIKE_MEGABYTES", "5"))  # 100 in `make campaign`
MOST_MEMORY = 500  # MB, of the whole process

READING = """
import sys
from pathlib import Path
from finetune.transcripts import conversation, read
conversation.detect = lambda *_: "en"  # takes most of the time and no memory
bad = []
found = sum(len(c.turns) for c in read([Path(sys.argv[1])], bad.append))
# not ru_maxrss: that begins with what the process that started this one had
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(found, len(bad), int(peak.split()[1]) // 1024)
"""


def everything(path: Path) -> tuple[list[object], list[BadRow]]:
    bad: list[BadRow] = []
    return [(row.key, row.value) for row in rows(Source(path, path.name), bad.append)], bad


@pytest.mark.parametrize("indent", [None, 1])
def test_arrays_and_objects_are_read_item_by_item(
    tmp_path: Path, indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 7)  # every item is cut somewhere
    items = [{"a": [1, 2.5, "]}"]}, 'text, with "quotes"', 12345678, None, "你好", {}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(items, indent=indent, ensure_ascii=False), "utf-8")
    assert everything(path) == ([("", item) for item in items], [])
    whole = {"meta": {"n": 1}, "payload": items, "data": {"payload": items}, "end": 7}
    path.write_text(json.dumps(whole, indent=indent, ensure_ascii=False), "utf-8")
    listed = [("payload", item) for item in items] + [("data", item) for item in items]
    assert everything(path) == ([("meta", {"n": 1}), *listed, ("end", 7)], [])


@pytest.mark.parametrize("text", ['["a", 2', '["a" 2]', '{"a": 1,', '{"a" 1}', "[{}, oops]", '["'])
def test_what_breaks_off_is_reported_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    _, bad = everything(path)
    assert len(bad) == 1 and "the rest is lost" in bad[0].reason


def test_an_item_that_is_too_large_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 100)
    monkeypatch.setattr(json_stream, "LARGEST", 1_000)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(["small", "x" * 5_000, "small"]), "utf-8")
    found, bad = everything(path)
    assert found == [("", "small")] and bad[0].line == 2


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ('{"a": 1}\n{"a": 2}\n', "lines"),
        ('{not json\n{"a": 2}\n', "lines"),
        ('{\n "a": 1\n}\n', "object"),
        ('{"a": 1}', "object"),
        ("\ufeff [{}]", "array"),
        ("[12:03] Anna: hi", ""),
        ("plain", ""),
        ("", ""),
    ],
)
def test_how_items_lie_in_a_file(tmp_path: Path, text: str, layout: str) -> None:
    path = tmp_path / "a"
    path.write_text(text, "utf-8")
    assert layout_of(path) == layout


def test_rows_come_together_in_the_order_of_first_appearance() -> None:
    gathered = Gathered()
    for line in range(2_500):  # more than one batch
        gathered.add("ba"[line % 2], line, {"n": line})
    found = list(gathered.conversations())
    assert [name for name, _ in found] == ["b", "a"]
    assert [line for line, _ in found[1][1]] == list(range(1, 2_500, 2))
    assert found[0][1][-1] == (2_498, {"n": 2_498})


def large(path: Path, kind: str) -> int:
    """A file of MEGABYTES MB; returns its number of conversations."""
    said = "How long does it take until my parcel arrives at the other end of the world? " * 8
    count = 0
    with path.open("w", encoding="utf-8") as file:
        if kind == "csv":
            file.write("conversation_id,role,body\n")
        while file.tell() < MEGABYTES << 20:
            turns = [("user", f"{said}{count}"), ("assistant", f"{said}{count} days")] * 2
            if kind == "csv":
                file.writelines(f"c{count % 5_000},{who},{text}\n" for who, text in turns)
            else:
                messages = [{"role": who, "content": text} for who, text in turns]
                file.write(json.dumps({"messages": messages}) + "\n")
            count += 1
    return count


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_memory_stays_below_the_limit(tmp_path: Path, kind: str) -> None:
    """`make campaign` reads 100 MB; here the growth over a small file is what counts."""
    path = tmp_path / f"large.{kind}"
    count = large(path, kind)
    done = subprocess.run(
        [sys.executable, "-c", READING, str(path)], capture_output=True, text=True, check=True
    )
    turns, bad, memory = map(int, done.stdout.split())
    assert (turns, bad) == (4 * count, 0)
    assert memory < MOST_MEMORY
