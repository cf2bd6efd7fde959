# SPDX-License-Identifier: BSD-3-Clause
import io
import json
import uuid

import pytest

from pachon.base import InvalidInputError
from pachon.base.cli import print_table

NUMBER = uuid.UUID(int=7)
COLUMNS = {"name": ["bias", "flat, r"], "visit": [1, 20], "id": [NUMBER, None], "ok": [True, False]}


def test_plain_table_in_a_pipe(capsys) -> None:
    print_table({"name": ["bias", "flat"], "visit": [1, 20]}, title="Things")
    assert capsys.readouterr().out == "Things\nname  visit\n----  -----\nbias      1\nflat     20\n"


def test_cells_of_all_kinds_in_a_pipe(capsys) -> None:
    print_table({"50%": ["%s", None, "ä"], "n": [1, 2.5, 30], "m": [1, None, True], "x": [b"\x01", ["a", 1], NUMBER]})
    assert capsys.readouterr().out.splitlines() == [
        "50%    n  m     x",
        f"---  ---  ----  {'-' * 36}",
        "%s     1  1     0x01",
        "     2.5        a, 1",
        f"ä     30  True  {NUMBER}",
    ]


def test_pipe_is_never_cut(capsys) -> None:
    print_table({"a": ["x" * 500], "b": ["y" * 500]})
    assert "x" * 500 + "  " + "y" * 500 in capsys.readouterr().out


def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Give a terminal of 40 columns, to which standard output goes from now on."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_terminal_gets_a_table_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = narrow_terminal(monkeypatch)
    print_table({"name": ["[red]x[/red]", "yy " * 50], "visit": [1, 2]})
    text = terminal.getvalue()
    assert "[red]x[/red]" in text
    assert "yy yy" in text
    assert text.count("yy") == 50
    assert max(len(line) for line in text.splitlines() if "\033" not in line) <= 40


@pytest.mark.parametrize("length", [16, 17, 18, 19, 20, 40])
def test_no_word_is_broken_on_a_terminal(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = narrow_terminal(monkeypatch)
    print_table({"run": ["r" * length], "id": ["i" * length], "text": ["some words of it"]})
    lines = terminal.getvalue().splitlines()
    assert any("r" * length in line for line in lines)
    assert any("i" * length in line for line in lines)


def test_json_is_a_list_of_rows(capsys) -> None:
    print_table(COLUMNS, format="json")
    assert json.loads(capsys.readouterr().out) == [
        {"name": "bias", "visit": 1, "id": str(NUMBER), "ok": True},
        {"name": "flat, r", "visit": 20, "id": None, "ok": False},
    ]


def test_csv(capsys) -> None:
    print_table(COLUMNS, format="csv")
    assert capsys.readouterr().out == f'name,visit,id,ok\nbias,1,{NUMBER},True\n"flat, r",20,,False\n'


def test_empty_tables(capsys) -> None:
    print_table({})
    print_table({"a": []})
    print_table({"a": []}, format="json")
    assert capsys.readouterr().out == "a\n-\n[]\n"


def test_ecsv(capsys) -> None:
    table = pytest.importorskip("astropy.table", reason="ecsv needs astropy")
    print_table({"name": ["a b", "c"], "visit": [1, 2]}, format="ecsv")
    read = table.Table.read(capsys.readouterr().out, format="ascii.ecsv")
    assert list(read["name"]) == ["a b", "c"]
    assert read["visit"].dtype.kind == "i"


def test_arrow(capfdbinary, monkeypatch: pytest.MonkeyPatch) -> None:
    ipc = pytest.importorskip("pyarrow.ipc", reason="arrow needs pyarrow")
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdout", stream)
    print_table(COLUMNS, format="arrow")
    table = ipc.open_stream(stream.buffer.getvalue()).read_all()
    assert table.column("visit").to_pylist() == [1, 20]
    assert table.column("id").to_pylist() == [str(NUMBER), None]


def test_unequal_columns_and_unknown_format() -> None:
    with pytest.raises(InvalidInputError, match="one length"):
        print_table({"a": [1], "b": []})
    with pytest.raises(InvalidInputError, match="no table format 'xml'"):
        print_table({"a": [1]}, format="xml")
