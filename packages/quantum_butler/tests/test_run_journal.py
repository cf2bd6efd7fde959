# SPDX-License-Identifier: BSD-3-Clause
import os
import uuid

import pytest

from pachon.quantum_butler.run_journal import RunJournal, read_lock_content
from pachon.quantum_butler.run_lock import interrupted_quanta, lock_run, was_cut_off
from pachon.quantum_butler.testing import busy_run

FIRST, SECOND = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def file(tmp_path):
    descriptor = os.open(tmp_path / "running", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def content(descriptor):
    return read_lock_content(os.pread(descriptor, 10_000, 0).decode())


def test_what_runs_is_known_as_soon_as_it_is_written(file):
    journal = RunJournal(file, "process 7")
    journal.started(FIRST)
    journal.started(SECOND)
    journal.write()
    assert content(file).holder == "process 7"
    assert set(content(file).running) == {FIRST, SECOND}
    journal.ended(FIRST)
    journal.write()
    assert set(content(file).running) == {SECOND}
    journal.close()
    assert set(content(file).running) == {SECOND}, "it was dropped while it ran"
    journal.ended(SECOND)
    journal.close()
    assert content(file) is None


def test_what_waits_is_written_by_the_next_write_or_at_the_end(file):
    journal = RunJournal(file, "process 7")
    journal.started(FIRST)
    journal.write()
    journal.ended(FIRST)
    journal.started(SECOND)
    journal.write(patience=1000)
    assert set(content(file).running) == {FIRST}, "the last write was a moment ago"
    journal.write()
    assert set(content(file).running) == {SECOND}
    third = uuid.uuid4()
    journal.started(third)
    journal.close()
    assert set(content(file).running) == {SECOND, third}, "they were dropped while they ran"


def test_what_began_and_ended_between_two_writes_leaves_no_trace(file):
    journal = RunJournal(file, "process 7")
    journal.started(FIRST)
    journal.ended(FIRST)
    journal.write()
    assert os.pread(file, 10_000, 0) == b"process 7\n"
    journal.started(SECOND)
    journal.give_up()
    assert set(content(file).running) == {SECOND}


def test_an_error_before_the_first_quantum_leaves_what_was_there(file):
    first = RunJournal(file, "process 7")
    first.started(FIRST)
    first.write()
    RunJournal(file, "process 8").give_up()
    assert content(file).holder == "process 7"
    last = RunJournal(file, "process 9")
    last.started(SECOND)
    last.give_up()
    assert (content(file).holder, set(content(file).running)) == ("process 9", {SECOND})


def test_lines_that_were_cut_short_count_for_nothing():
    text = f"process 7\n+ {FIRST} 12.5\nnonsense\n+ {SECOND}\n- {str(FIRST)[:8]}"
    assert read_lock_content(text).running == {FIRST: 12.5}
    assert read_lock_content("") is None


def break_off(root):
    with lock_run(root, "me/run") as journal:
        journal.started(FIRST)
        raise RuntimeError("broken")


@pytest.mark.skipif(os.name != "posix", reason="needs the locks of POSIX systems")
def test_a_run_is_cut_off_once_its_process_is_gone(tmp_path):
    root = str(tmp_path)
    assert not was_cut_off(root, "me/run")
    with pytest.raises(RuntimeError, match="broken"):
        break_off(root)
    assert was_cut_off(root, "me/run")
    assert set(interrupted_quanta(root, "me/run").running) == {FIRST}
    with busy_run(root, "me/run"):
        assert interrupted_quanta(root, "me/run") is None, "what runs is not interrupted"
        assert not was_cut_off(root, "me/run")
    with lock_run(root, "me/run"):
        pass
    assert not was_cut_off(root, "me/run")
    assert interrupted_quanta(root, "me/run") is None
