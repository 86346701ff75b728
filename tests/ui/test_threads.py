"""A server's worker threads come and go; what they open must go with them."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

from knowledge.database import Database


def test_threads_that_end_leave_no_open_files(tmp_path: Path) -> None:
    database = Database(tmp_path / "zhike.db")
    before = len(os.listdir("/dev/fd"))
    for _ in range(50):
        thread = threading.Thread(target=database.row, args=("SELECT 1",))
        thread.start()
        thread.join()
    del thread
    gc.collect()
    assert len(os.listdir("/dev/fd")) <= before + 4
    assert database.row("SELECT 1 AS one") == {"one": 1}
    database.close()
