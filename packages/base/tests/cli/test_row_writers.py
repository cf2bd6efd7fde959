# SPDX-License-Identifier: BSD-3-Clause
import csv
import errno
import io
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from pachon.base import StorageError
from pachon.base.cli.row_writers import FEW_ROWS, write_rows

KINDS = {"name": str, "visit": int, "depth": float, "ok": bool}
PARTS: list[dict[str, list[Any]]] = [
    {"name": ["a b", 'say "no"', "", None], "visit": [1, None, 3, 4], "depth": [0.5, None, 1e-300, 2.0], "ok": [True, False, None, True]},
    {"name": []},
    {"visit": [5], "name": ["#x,\ny"]},
]  # fmt: skip
ROWS = [
    {"name": "a b", "visit": 1, "depth": 0.5, "ok": True},
    {"name": 'say "no"', "visit": None, "depth": None, "ok": False},
    {"name": "", "visit": 3, "depth": 1e-300, "ok": None},
    {"name": None, "visit": 4, "depth": 2.0, "ok": True},
    {"name": "#x,\ny", "visit": 5, "depth": None, "ok": None},
]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert write_rows(PARTS, KINDS, format="json") == 5
    assert json.loads(capsys.readouterr().out) == ROWS


def test_many_rows_of_json_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    parts = ({"visit": list(range(start, start + 700))} for start in range(0, 2800, 700))
    assert write_rows(parts, {"visit": int}, format="json") == 2800
    out = capsys.readouterr().out
    assert json.loads(out) == [{"visit": n} for n in range(2800)]
    assert len(out.splitlines()) == 2802 > FEW_ROWS


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(PARTS, KINDS, format="csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows == [{n: "" if v is None else str(v) for n, v in row.items()} for row in ROWS]


def test_ecsv(capsys: pytest.CaptureFixture[str]) -> None:
    table = pytest.importorskip("astropy.table", reason="ecsv needs astropy")
    write_rows(PARTS, KINDS, format="ecsv")
    read = table.Table.read(capsys.readouterr().out, format="ascii.ecsv")
    assert [read[name].dtype.kind for name in KINDS] == ["U", "i", "f", "b"]
    # An empty text and an unknown one look the same.
    expected = [{**row, "name": row["name"] or None} for row in ROWS]
    assert read["visit"].tolist() == [row["visit"] for row in ROWS]
    assert read["depth"].tolist() == [row["depth"] for row in ROWS]
    assert read["ok"].tolist() == [row["ok"] for row in ROWS]
    assert read["name"].tolist() == [row["name"] for row in expected]


@pytest.mark.parametrize("parts", [PARTS, []])
def test_arrow(parts: list[dict[str, list[Any]]], monkeypatch: pytest.MonkeyPatch) -> None:
    ipc = pytest.importorskip("pyarrow.ipc", reason="arrow needs pyarrow")
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdout", stream)
    write_rows(parts, KINDS, format="arrow")
    table = ipc.open_stream(stream.buffer.getvalue()).read_all()
    assert [str(field.type) for field in table.schema] == ["string", "int64", "double", "bool"]
    assert table.to_pylist() == (ROWS if parts else [])


@pytest.mark.parametrize("format", ["csv", "ecsv"])
def test_columns_are_told_where_there_are_no_rows(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    if format == "ecsv":
        pytest.importorskip("astropy.table", reason="ecsv needs astropy")
    assert write_rows([], KINDS, format=format) == 0
    assert capsys.readouterr().out.splitlines()[-1].replace(",", " ") == "name visit depth ok"


def test_parts_are_written_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    def parts() -> Iterator[dict[str, list[int]]]:
        yield {"visit": [1]}
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_rows(parts(), {"visit": int}, format="csv")
    assert capsys.readouterr().out == "visit\n1\n"


def test_a_full_or_closed_output_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(StorageError, match="cannot be written: No space left on device"):
        write_rows(PARTS, KINDS, format="csv")
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(StorageError, match="is closed"):
        write_rows(PARTS, KINDS, format="json")
