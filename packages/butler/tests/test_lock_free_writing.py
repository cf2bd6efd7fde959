# SPDX-License-Identifier: BSD-3-Clause
"""File work never holds the database's lock: while a file is being written, others read and write.

The writer is stopped in the middle of its file work, as a very large file would stop it, for as long as the others need; or
it is a process that writes a really large file.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.datasets import FileDataset
from pachon.datastore import faults

LONGEST = 10.0
"""Seconds that the others may take; a lock that were held would be waited for much longer."""


def put(butler: Butler, _folder: Path) -> None:
    butler.put({"n": 1}, "gain", detector=0, run="slow")


def put_many(butler: Butler, _folder: Path) -> None:
    butler.put_many([({"n": n}, "gain", {"detector": n}) for n in range(3)], run="slow")


def ingest(butler: Butler, folder: Path) -> None:
    file = folder / "large.yaml"
    file.write_text("n: 1\n")
    butler.ingest([FileDataset(file, dataset_type="gain", data_ids={"detector": 0})], run="slow", transfer="copy")


@pytest.mark.parametrize("write", [put, put_many, ingest])
def test_others_go_on(root: Path, tmp_path: Path, write: Callable[[Butler, Path], None]) -> None:
    points = {"write.written", "write.all_written", "ingest.transferred", "ingest.all_transferred"}
    written, go_on = threading.Event(), threading.Event()
    slow = threading.local()

    def hook(point: str) -> None:
        if getattr(slow, "here", False) and point in points:
            written.set()
            assert go_on.wait(120)

    def work() -> None:
        slow.here = True
        with Butler.open(str(root), run="slow", instrument="Cam") as butler:
            write(butler, tmp_path)

    with faults.install(hook), Butler.open(str(root), run="other", instrument="Cam") as other:
        first = other.put({"n": 7}, "gain", detector=1)
        thread = threading.Thread(target=work)
        thread.start()
        try:
            assert written.wait(120), "the slow writer never came to its file"
            start = time.monotonic()
            # The file is made, nothing is committed: a reader and a second writer, each several times.
            for number in range(3):
                assert other.get(first) == {"n": 7}
                assert other.find_dataset("gain", detector=0, collections="other") is None
                assert not other.collections.query("slow*")
                ref = other.put({"n": number}, "gain", detector=2, run=f"other/{number}")
                assert other.get(ref) == {"n": number}
            taken = time.monotonic() - start
            assert thread.is_alive()
        finally:
            go_on.set()
            thread.join()
        assert taken < LONGEST
        assert other.get("gain", detector=0, collections="slow")["n"] in (0, 1)


LARGE = 1 << 30
"""Bytes."""
INGEST = """
import sys
from pachon.butler import Butler
from pachon.datasets import FileDataset

root, source = sys.argv[1:]
with Butler.open(root, run="slow", instrument="Cam") as butler:
    print("begins", flush=True)
    file = FileDataset(source, dataset_type="gain", data_ids={"detector": 0})
    butler.ingest([file], run="slow", transfer="copy", checksum=False)
"""


def size_below(folder: Path) -> int:
    """Give the bytes of the files below a folder."""
    return sum(os.stat(Path(place, name)).st_size for place, _, names in os.walk(folder) for name in names)


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of a gigabyte."""
    path = tmp_path_factory.mktemp("large") / "large.yaml"
    if shutil.disk_usage(path.parent).free < 4 * LARGE:
        pytest.skip("less than 4 GB of room for temporary files")
    block = os.urandom(1 << 20)
    with path.open("wb") as stream:
        for _ in range(LARGE >> 20):
            stream.write(block)
    yield path
    path.unlink()


def stop_half_way(ingest: subprocess.Popen[str], folder: Path) -> None:
    """Stop a process while the file that it writes below a folder has some of its bytes."""
    while not 0 < size_below(folder) < LARGE:
        assert ingest.poll() is None, "the large file was never seen half-written"
    ingest.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, ingest.pid, os.WSTOPPED | os.WNOWAIT)


def test_others_go_on_beside_a_gigabyte(root: Path, large_file: Path) -> None:
    command = [sys.executable, "-c", INGEST, str(root), str(large_file)]
    with Butler.open(str(root), run="other", instrument="Cam") as other:
        first = other.put({"n": 7}, "gain", detector=1)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as ingest:
            try:
                assert ingest.stdout is not None
                assert ingest.stdout.readline() == "begins\n"
                stop_half_way(ingest, root / "slow")
                for number in range(3):
                    assert other.get(first) == {"n": 7}
                    assert not other.collections.query("slow*"), "it has committed its rows already"
                    ref = other.put({"n": number}, "gain", detector=2, run=f"other/{number}")
                    assert other.get(ref) == {"n": number}
            finally:
                ingest.send_signal(signal.SIGCONT)
        assert ingest.returncode == 0
        stored = other.query_datasets("gain", collections="slow")
        assert len(stored) == 1
    assert size_below(root / "slow") == LARGE
    shutil.rmtree(root / "slow")
