# SPDX-License-Identifier: BSD-3-Clause
import click
import pytest

from pachon.base.cli.option_names import with_option_names


@click.command()
@click.argument("repo")
@click.option("--from", "from_")
@click.option("--to")
@click.option("--moved", is_flag=True)
@click.option("-t", "--transfer")
@click.option("--find-first/--no-find-first", default=False)
@click.option("--query-constraint", "constraint")
@click.option("--skip-existing", "on_conflict", flag_value="skip", default="error")
@click.option("-x", "only_short", is_flag=True)
def command(**_: object) -> None: ...


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("If it is a copy, say moved=True.", "If it is a copy, say --moved."),
        ("Ingest a copy (transfer='copy').", "Ingest a copy (--transfer copy)."),
        ("Say in from_ where it was; to=... says where it is.", "Say in --from where it was; --to says where it is."),
        ("Ask for all (find_first=False), or find_first.", "Ask for all (--no-find-first), or --find-first."),
        ("query_constraint names no type, constraint='a' does.", "--query-constraint names no type, --query-constraint a does."),
        ("Say on_conflict='skip'.", "Say --skip-existing."),
        # What stays: values of users, other arguments, code, and what cannot be typed.
        ("There is no type 'find_first' or \"from_\".", None),
        ("Say moved=False, transfer=None, on_conflict='error', overwrite=True or only_short=True.", None),
        ("The file /a/from_/find_first.py, x.from_, from_.x, from_(1), from_=x and my-find_first.", None),
        ("Say --moved (moved=True), or find_first=False in Python.", None),
        ("Type('a', {b}, moved=True) is not x.Type(find_first=False).", None),
        ("No 'x' with {transfer='a', to='b'}, which is no way to say that.", None),
        ("It was moved to a place from which a transfer is a constraint; repo=... is no option.", None),
        ("", None),
    ],
)  # fmt: skip
def test_arguments_are_named_as_options(said: str, typed: str | None) -> None:
    assert with_option_names(said, command) == (said if typed is None else typed)
