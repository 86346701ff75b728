"""What the process that reads files may not do: limits set once, for good, from the inside."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from typing import Any

MEMORY = 1_536 << 20  # bytes of address space
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000  # <sched.h>
FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork")

NAMESPACE = "network namespace of its own without any device"
HOOK = "audit hook that refuses sockets"


def leave_network() -> str:
    """Cut this process off from every network; what is in force, in words.

    Where the system permits, an empty network namespace (unshare(2)), which also holds for
    libraries in C; always an audit hook (PEP 578) that refuses sockets and further programs.
    """
    alone = _unshared()
    sys.addaudithook(_refuse)
    return f"{NAMESPACE}, {HOOK}" if alone else HOOK


def _unshared() -> bool:
    """Without root a namespace of users comes with it, where the system lets anybody make one."""
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (AttributeError, OSError):
        return False  # not Linux
    return bool(unshare(CLONE_NEWNET) == 0 or unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event.startswith(FORBIDDEN):
        raise PermissionError(f"reading a file must not need {event}")


def step_back() -> None:
    """Everything else on this machine goes first."""
    with contextlib.suppress(OSError):
        os.nice(10)


def limit(cpu_seconds: int) -> None:
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
