# SPDX-License-Identifier: BSD-3-Clause
from pachon.base.counting import counted


def test_numbers_with_their_nouns() -> None:
    assert [counted(number, "file") for number in range(3)] == ["0 files", "1 file", "2 files"]
    assert [counted(number, "quantum", "quanta") for number in (1, 7)] == ["1 quantum", "7 quanta"]
