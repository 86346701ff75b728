"""Files into blocks: in this process, or in a child with limits on memory and time.

Run as `python -m knowledge.load SECONDS`, it reads a path per line and answers with a line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from knowledge.confinement import leave_network, limit, step_back
from knowledge.errors import KnowledgeError, UnreadableFile, UnsupportedFile
from knowledge.injection import looks_like_instruction
from knowledge.parsers.encoding import decode, looks_utf16, named_charset
from knowledge.types import Block, FaqPair, Parsed

PARSERS = {  # imported on first use: a child that reads Markdown needs no pypdf
    ".md": "knowledge.parsers.markdown:parse",
    ".txt": "knowledge.parsers.plain:parse",
    ".html": "knowledge.parsers.web_page:parse",
    ".htm": "knowledge.parsers.web_page:parse",
    ".pdf": "knowledge.parsers.pdf:parse",
    ".docx": "knowledge.parsers.word:parse",
    ".csv": "knowledge.parsers.sheet:parse_csv",
    ".xlsx": "knowledge.parsers.sheet:parse_xlsx",
    ".pptx": "knowledge.parsers.slides:parse",
    ".json": "knowledge.parsers.json_rows:parse",
    ".jsonl": "knowledge.parsers.json_rows:parse_lines",
}
ARCHIVE = ".zip"  # opened by ingest.py, file by file
SUPPORTED = ", ".join(sorted(ending[1:] for ending in (*PARSERS, ARCHIVE)))
BINARY = {  # first bytes → what it is
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "an office file or archive",
    b"\xd0\xcf\x11\xe0": "an old or encrypted office file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"RIFF": "a media file",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"\x1f\x8b": "an archive",
    b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"SQLite format 3": "a database",
}
OFFICE_PARTS = {
    ".docx": "word/document.xml",
    ".xlsx": "xl/workbook.xml",
    ".pptx": "ppt/presentation.xml",
}
TEXTS = (".md", ".txt", ".csv", ".html", ".htm", ".json", ".jsonl")
SOURCES = (".md", ".txt", ".html", ".htm")  # people edit them as they are
LONGEST_SOURCE = 200_000  # characters; a longer text is no pleasure in a box of a page
MOST_NAMED = 5  # lines that look like instructions, quoted in the report
SHOWN = 80  # characters of each
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
INVISIBLE = re.compile(  # zero width, direction, fillers, tags; selectors where they carry data
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\u3164\ufeff\uffa0\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
    "|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
MOST_CHARACTERS = 5_000_000
CPU_SECONDS = 20  # per file
WALL_SECONDS = 60.0  # per file


def load(path: Path) -> Parsed:
    """The file as blocks or FAQ pairs, cleaned of invisible characters.

    Raises UnsupportedFile for an unknown type, UnreadableFile for an empty, damaged or textless
    file and for one whose content is not what its name says.
    """
    parser = PARSERS.get(path.suffix.lower())
    if parser is None:
        raise UnsupportedFile(
            f"{path.name}: files of type {path.suffix or '(none)'!r} cannot be read. "
            f"Supported: {SUPPORTED}."
        )
    check_type(path)
    module, function = parser.split(":")
    parse: Callable[[Path], Parsed] = getattr(import_module(module), function)
    parsed = _flagged(_checked(_clean(parse(path)), path.name), path)
    return replace(parsed, source=_source(path))


def _source(path: Path) -> str:
    """The text of a file that people may edit; "" of any other, and of one that is too long."""
    if path.suffix.lower() not in SOURCES:
        return ""
    data = path.read_bytes()
    page = path.suffix.lower() not in (".md", ".txt")
    text = decode(data, path.name, named_charset(data) if page else "").text
    return text if len(text) <= LONGEST_SOURCE else ""


def check_type(path: Path) -> None:
    """Raise UnreadableFile when the first bytes do not agree with the ending of the name."""
    with path.open("rb") as file:
        head = file.read(4096)
    suffix = path.suffix.lower()
    if not head.strip():
        raise UnreadableFile(f"{path.name}: the file is empty.")
    found = next((what for magic, what in BINARY.items() if head.startswith(magic)), None)
    if suffix == ".pdf":
        right = b"%PDF-" in head[:1024]
    elif suffix in OFFICE_PARTS:
        right = head.startswith(b"PK\x03\x04") and _has_part(path, OFFICE_PARTS[suffix])
    else:
        nul = b"\0" in head and not head.startswith(UTF16_MARKS) and not looks_utf16(head)
        page = bool(
            re.match(
                rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", head, re.I
            )
        )
        tagged = page or bool(re.search(rb"<\s*/?\s*[a-zA-Z!]", head.replace(b"\0", b"")))
        right = not found and not nul and (tagged if suffix in (".html", ".htm") else not page)
        if page and suffix not in (".html", ".htm"):
            found = "a web page"
    if not right:
        what = f"it is {found}" if found else "its content is something else"
        raise UnreadableFile(
            f"{path.name}: the name says {suffix[1:]}, but {what}. Give it the right ending or "
            "save it again."
        )


def _has_part(path: Path, part: str) -> bool:
    import zipfile

    try:
        with zipfile.ZipFile(path) as package:
            return part in package.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnreadableFile(f"{path.name}: the file is damaged ({error}).") from error


def _clean(parsed: Parsed) -> Parsed:
    """Without invisible, direction and control characters, which hide text from people."""
    removed = 0

    def clean(text: str) -> str:
        nonlocal removed
        text, times = INVISIBLE.subn("", text)
        removed += times
        return CONTROL.sub("", text.replace("\u00a0", " "))

    blocks = tuple(
        replace(b, text=clean(b.text), heading=tuple(clean(h) for h in b.heading))
        for b in parsed.blocks
    )
    faqs = tuple(
        FaqPair(clean(f.question), clean(f.answer), tuple(clean(p) for p in f.phrasings))
        for f in parsed.faqs
    )
    title, warnings = clean(parsed.title), parsed.warnings
    if removed:
        warnings = (*warnings, f"{removed} invisible characters were removed.")
    kept = tuple(b for b in blocks if b.text.strip())
    return replace(parsed, title=title, blocks=kept, faqs=faqs, warnings=warnings)


def _flagged(parsed: Parsed, path: Path) -> Parsed:
    """Lines that instruct the assistant are reported; features.split() never quotes them.

    Out of titles, headings and approved answers they are taken: those are used as they are.
    """
    found = [(line, b.page) for b in parsed.blocks for line in _instructions(b.text)]
    heads = dict.fromkeys(h for b in parsed.blocks for h in b.heading if looks_like_instruction(h))
    pairs = [f for f in parsed.faqs if _instructions(f"{f.question}\n{f.answer}")]
    found += [(head, None) for head in heads]
    found += [(_instructions(f"{f.question}\n{f.answer}")[0], None) for f in pairs]
    title = path.stem if looks_like_instruction(parsed.title) else parsed.title
    if not found and title == parsed.title:
        return parsed
    blocks = [
        replace(b, heading=tuple(h for h in b.heading if h not in heads)) for b in parsed.blocks
    ]
    blocks += [Block(f"{f.question}\n{f.answer}") for f in pairs]
    source = decode(path.read_bytes(), path.name).text if path.suffix.lower() in TEXTS else ""
    lines = ["".join(line.split()) for line in source.splitlines()]
    warnings = [_said(line, page, lines) for line, page in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        warnings.append(f"{len(found) - MOST_NAMED} more lines look like such instructions.")
    if title != parsed.title:
        warnings.append("The title looks like an instruction to the assistant and is not used.")
    faqs = tuple(f for f in parsed.faqs if f not in pairs)
    return replace(
        parsed,
        title=title,
        blocks=tuple(blocks),
        faqs=faqs,
        warnings=(*parsed.warnings, *warnings),
    )


def _instructions(text: str) -> list[str]:
    return [line for line in text.splitlines() if looks_like_instruction(line)]


def _said(line: str, page: int | None, source: list[str]) -> str:
    start = re.sub(r"^\W+", "", "".join(line.split()))[:16]
    number = next((n for n, text in enumerate(source, 1) if start in text), None)
    where = f"Line {number}" if number else "A line"
    on = f" on page {page}" if page else ""
    shown = line.strip() if len(line.strip()) <= SHOWN else line.strip()[:SHOWN] + "…"
    return f"{where}{on} looks like an instruction to the assistant and is never quoted: “{shown}”"


def _checked(parsed: Parsed, name: str) -> Parsed:
    size = parsed.characters
    if not size:
        why = "; ".join(warning.rstrip(".") for warning in parsed.warnings)
        raise UnreadableFile(
            f"{name}: no text was found in it{f' ({why})' if why else ''}. Open it and look: "
            "pictures need text recognition (OCR), other content can be saved as text."
        )
    if size > MOST_CHARACTERS:
        raise UnreadableFile(
            f"{name}: it has {size:,} characters of text, more than {MOST_CHARACTERS:,}. Split it."
        )
    return parsed


def load_limited(path: Path, max_mb: int) -> Parsed:
    """As load(), in a child process; also refuses files above `max_mb` megabytes."""
    with LimitedLoader(max_mb) as loader:
        return loader.load(path)


class LimitedLoader:
    """Reads files in a child process that may be killed; a new one takes over then.

    A context manager: the child and its empty working folder end with it. One thread at a time.
    """

    def __init__(self, max_mb: int, cpu_seconds: int = CPU_SECONDS) -> None:
        """max_mb: larger files are refused. cpu_seconds: for one file."""
        self._max_mb, self._cpu_seconds = max_mb, cpu_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="zhike-load-")

    def __enter__(self) -> LimitedLoader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()
        self._folder.cleanup()

    def load(self, path: Path) -> Parsed:
        """Raises UnsupportedFile or UnreadableFile with one sentence."""
        size = path.stat().st_size
        if size > self._max_mb << 20:
            raise UnreadableFile(
                f"{path.name}: it has {size / (1 << 20):.1f} MB, more than {self._max_mb} MB. "
                "Split it, or raise knowledge.max_file_mb."
            )
        answer = self._ask(str(path.resolve()), path.name)
        if "error" in answer:
            kinds = {"UnsupportedFile": UnsupportedFile, "UnreadableFile": UnreadableFile}
            raise kinds.get(answer["kind"], UnreadableFile)(answer["error"])
        return _from_json(answer)

    def network(self) -> str:
        """What keeps the child from the network, in words."""
        return str(self._ask("", "the reading process")["network"])

    def _ask(self, path: str, name: str) -> dict[str, Any]:
        child = self._child = self._child or self._start()
        assert child.stdin and child.stdout  # both are pipes
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(path).encode() + b"\n")
            child.stdin.flush()
        return self._answer(child.stdout.fileno(), name)

    def _start(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).resolve().parent.parent)
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LD_LIBRARY_PATH")}
        env = keep | {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "knowledge.load", str(self._cpu_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=env,
        )

    def _answer(self, pipe: int, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + WALL_SECONDS
        data = b""
        while not data.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(deadline - time.monotonic(), 0))
            part = os.read(pipe, 1 << 20) if ready else b""
            if not part:
                self._stop()
                raise UnreadableFile(
                    f"{name}: reading it took too long or too much memory. Save it anew from the "
                    "program that made it, or split it."
                )
            data += part
        found: dict[str, Any] = json.loads(data)
        return found

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _from_json(answer: dict[str, Any]) -> Parsed:
    return Parsed(
        answer["title"],
        tuple(Block(**{**b, "heading": tuple(b["heading"])}) for b in answer["blocks"]),
        tuple(FaqPair(f["question"], f["answer"], tuple(f["phrasings"])) for f in answer["faqs"]),
        tuple(answer["warnings"]),
        answer["pages"],
        answer["empty_pages"],
        answer["source"],
    )


def _serve(cpu_seconds: int) -> None:
    """Answer each path on stdin with a line of JSON on stdout, until stdin ends."""
    step_back()
    network = leave_network()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not reach the answers
    for line in sys.stdin:
        limit(cpu_seconds)
        path = Path(json.loads(line))
        try:
            answer = asdict(load(path)) if path.name else {"network": network}
        except KnowledgeError as error:
            answer = {"kind": type(error).__name__, "error": str(error)}
        except (MemoryError, RecursionError):
            answer = {"error": f"{path.name}: it needs more memory than is allowed. Split it."}
        except Exception as error:  # the edge of the child: a parser met what it does not know
            answer = {"error": f"{path.name}: it is damaged ({type(error).__name__}: {error})."}
        out.write(json.dumps({"kind": "", **answer}).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
