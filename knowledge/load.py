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

from knowledge.errors import KnowledgeError, UnreadableFile, UnsupportedFile
from knowledge.parsers.plain import looks_utf16
from knowledge.types import Block, FaqPair, Parsed

PARSERS = {  # imported on first use: a child that reads Markdown needs no pypdf
    ".md": "knowledge.parsers.markdown:parse",
    ".txt": "knowledge.parsers.plain:parse",
    ".html": "knowledge.parsers.web_page:parse",
    ".htm": "knowledge.parsers.web_page:parse",
    ".pdf": "knowledge.parsers.pdf:parse",
    ".docx": "knowledge.parsers.office:parse",
    ".csv": "knowledge.parsers.sheet:parse_csv",
    ".xlsx": "knowledge.parsers.sheet:parse_xlsx",
    ".pptx": "knowledge.parsers.slides:parse",
    ".jsonl": "knowledge.parsers.json_lines:parse",
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
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
MOST_CHARACTERS = 5_000_000
MEMORY = 1_536 << 20  # bytes of address space of the child
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
    return _checked(_clean(parse(path)), path.name)


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
    return Parsed(title, tuple(b for b in blocks if b.text.strip()), faqs, warnings)


def _checked(parsed: Parsed, name: str) -> Parsed:
    size = sum(len(b.text) for b in parsed.blocks)
    size += sum(len(f.question) + len(f.answer) for f in parsed.faqs)
    if not size:
        raise UnreadableFile(f"{name}: no text was found in it.")
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
        child = self._child = self._child or self._start()
        assert child.stdin and child.stdout  # both are pipes
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(str(path.resolve())).encode() + b"\n")
            child.stdin.flush()
        answer = self._answer(child.stdout.fileno(), path.name)
        if "error" in answer:
            kinds = {"UnsupportedFile": UnsupportedFile, "UnreadableFile": UnreadableFile}
            raise kinds.get(answer["kind"], UnreadableFile)(answer["error"])
        return _from_json(answer)

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
    )


def _limit(cpu_seconds: int) -> None:
    """Bound this process: CPU time from now on, and memory, where the system can."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
        resource.setrlimit(resource.RLIMIT_CPU, (used + cpu_seconds, hard))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _serve(cpu_seconds: int) -> None:
    """Answer each path on stdin with a line of JSON on stdout, until stdin ends."""
    os.nice(10)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not reach the answers
    for line in sys.stdin:
        _limit(cpu_seconds)
        path = Path(json.loads(line))
        try:
            answer = asdict(load(path))
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
