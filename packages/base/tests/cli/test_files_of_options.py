# SPDX-License-Identifier: BSD-3-Clause
"""Files that options name: those that are no UTF-8 are wrong usage, with the line."""

from pathlib import Path

import click
from click.testing import CliRunner

from pachon.base.cli import options, options_file_option


@click.command("say")
@options.where_option
@options_file_option
def say(where: str) -> None:
    click.echo(where)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "latin"
    file.write_bytes(b"say:\n  where: 'caf\xe9'\n")
    for arguments in (["-@", str(file)], ["--where", f"@{file}"]):
        result = CliRunner().invoke(say, arguments)
        assert result.exit_code == 2
        assert "latin, line 2, column 14: the file is no text in UTF-8" in result.stderr


def test_an_option_twice(tmp_path: Path) -> None:
    file = tmp_path / "o.yaml"
    file.write_text("say:\n  where: a\n  where: b\n")
    result = CliRunner().invoke(say, ["-@", str(file)])
    assert result.exit_code == 2
    assert "line 3, column 3: the key 'where' is there twice" in result.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(say, ["-@", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert f"'{tmp_path}/none.yaml' cannot be read: No such file or directory" in result.stderr
    assert "Errno" not in result.stderr
