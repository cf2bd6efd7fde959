# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pachon.base import InvalidInputError, StorageError
from pachon.pipe_base import PipelineError, PipelineFileNotFoundError, PipelineSyntaxError
from pachon.pipe_base.pipeline.location import (
    LabelSelection,
    parse_selection,
    read_pipeline_text,
    resolve_import,
    split_location,
)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("a.yaml", ("a.yaml", None)),
        ("a.yaml#b,c", ("a.yaml", "b,c")),
        ("a.yaml#b%2Cc", ("a.yaml", "b,c")),
        ("s3://bucket/a.yaml#b", ("s3://bucket/a.yaml", "b")),
        ("http://host:8080/a.yaml#b", ("http://host:8080/a.yaml", "b")),
        ("resource://pachon.pipe_tasks/pipelines/x.yaml", ("resource://pachon.pipe_tasks/pipelines/x.yaml", None)),
    ],
)
def test_split_location(location: str, expected: tuple[str, str | None]) -> None:
    assert split_location(location) == expected


def test_other_separators_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        split_location("a.yaml:isr")
    assert str(caught.value) == "'a.yaml:isr': labels are separated by '#', as in 'a.yaml#isr'."
    with pytest.raises(InvalidInputError) as caught:
        split_location("a.yaml#b#c")
    assert str(caught.value) == "'a.yaml#b#c' has more than one '#'."
    odd = tmp_path / "with:colon.yaml"
    odd.write_text("")
    assert split_location(str(odd)) == (str(odd), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", LabelSelection(names=("a",))),
        ("a, b", LabelSelection(names=("a", "b"))),
        ("a..b", LabelSelection(first="a", last="b")),
        ("a..", LabelSelection(first="a")),
        ("..b", LabelSelection(last="b")),
    ],
)
def test_selections(text: str, expected: LabelSelection) -> None:
    assert parse_selection(text) == expected
    assert parse_selection(text).is_range == (".." in text)


@pytest.mark.parametrize("text", ["a..b,c", "a..b..c", "..", "", ","])
def test_malformed_selections(text: str) -> None:
    with pytest.raises(PipelineError, match="The selection"):
        parse_selection(text)


def test_missing_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPES", str(tmp_path))
    (tmp_path / "a.yaml").write_text("x")
    assert read_pipeline_text("$PIPES/a.yaml") == ("x", f"{tmp_path}/a.yaml")
    with pytest.raises(PipelineFileNotFoundError) as caught:
        read_pipeline_text("${PIPES}/b.yaml")
    assert str(caught.value) == f"Pipeline '{tmp_path}/b.yaml' does not exist."
    with pytest.raises(PipelineFileNotFoundError) as caught:
        read_pipeline_text("$NOT_SET_ANYWHERE/b.yaml")
    assert str(caught.value) == (
        "Pipeline '$NOT_SET_ANYWHERE/b.yaml' does not exist. The variable $NOT_SET_ANYWHERE is not defined."
    )
    with pytest.raises(PipelineFileNotFoundError):
        read_pipeline_text("memory://nothing/here.yaml")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"# one\ndescription: caf\xe9\n")
    for location in (f"{tmp_path}/a.yaml", (tmp_path / "a.yaml").as_uri()):
        with pytest.raises(
            PipelineSyntaxError, match=r"a\.yaml, line 2, column 17: the file is no text in UTF-8 \(byte"
        ):
            read_pipeline_text(location)
    with pytest.raises(StorageError, match="cannot be read: embedded null byte"):
        read_pipeline_text(f"{tmp_path}/\0")


def test_imports_are_relative_to_the_document_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "here.yaml").write_text("")
    (tmp_path / "both.yaml").write_text("")
    (tmp_path / "sub" / "both.yaml").write_text("")
    assert resolve_import("both.yaml", "sub/a.yaml") == "sub/both.yaml"
    assert resolve_import("here.yaml", "sub/a.yaml") == "here.yaml"
    assert resolve_import("none.yaml", "sub/a.yaml") == "sub/none.yaml"
    assert resolve_import("/abs.yaml", "sub/a.yaml") == "/abs.yaml"
    assert resolve_import("../b.yaml", "resource://pkg/pipelines/a.yaml") == "resource://pkg/b.yaml"
    assert resolve_import("s3://x/b.yaml", "sub/a.yaml") == "s3://x/b.yaml"
