# SPDX-License-Identifier: BSD-3-Clause
"""Bringing one table to another definition, with its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from pachon.registry.migration.session import MigrationSession
from pachon.registry.schema.references import is_for
from pachon.registry.schema.sqlite_options import has_rowid

__all__ = ["bring_back", "change_table", "create_table", "drop_table", "set_aside"]


def create_table(session: MigrationSession, table: sa.Table) -> None:
    """Make a table with its indices."""
    session.connection.execute(CreateTable(table))
    for index in _sorted(table.indexes):
        index.create(session.connection)


def drop_table(session: MigrationSession, table: sa.Table) -> None:
    """Remove a table with its indices."""
    session.operations.drop_table(table.name, schema=table.schema)


def set_aside(session: MigrationSession, table: sa.Table) -> None:
    """Remove a table, but keep its rows for `bring_back`."""
    quote = session.connection.dialect.identifier_preparer.quote
    session.connection.exec_driver_sql(f"CREATE TABLE {quote(_aside(table))} AS SELECT * FROM {quote(table.name)}")  # noqa: S608  # quoted names
    drop_table(session, table)


def bring_back(session: MigrationSession, old: sa.Table, new: sa.Table) -> None:
    """Put the rows that were set aside into the new table of that name; columns which that does not have are lost."""
    quote = session.connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in new.columns if column.name in old.c)
    session.connection.exec_driver_sql(
        f"INSERT INTO {quote(new.name)} ({names}) SELECT {names} FROM {quote(_aside(old))}"  # noqa: S608  # quoted names
    )
    session.operations.drop_table(_aside(old))


def _aside(table: sa.Table) -> str:
    return f"former_{table.name}"


def change_table(
    session: MigrationSession, old: sa.Table, new: sa.Table, renamed: Mapping[str, str] | None = None
) -> bool:
    """Bring a table to a new definition; give whether anything differed.

    Rows stay. Who calls this has checked that no values are lost, and that those which remain are allowed.

    Parameters
    ----------
    session
        The transaction.
    old, new
        Both definitions, with the same name.
    renamed
        Old and new names of columns.
    """
    former = {(renamed or {}).get(column.name, column.name): column for column in old.columns}
    added = [column for column in new.columns if column.name not in former]
    same_rules = _rules(old, session.dialect).keys() == _rules(new, session.dialect).keys() and not renamed
    same_form = session.dialect != "sqlite" or has_rowid(old) == has_rowid(new)
    if same_rules and same_form and all(name in new.c for name in former) and _same_columns(session, former, new):
        for column in added:
            session.operations.add_column(new.name, _copy(column), schema=new.schema)
        return bool(added)
    if session.dialect == "sqlite":
        _make_anew(session, old, new, former)
    else:
        _alter(session, old, new, former, added)
    return True


def _same_columns(session: MigrationSession, former: Mapping[str, sa.Column[Any]], new: sa.Table) -> bool:
    """Whether no column changes. SQLite does not look at the length of a text, and so it is not told."""
    return all(
        column.nullable == former[column.name].nullable and (session.dialect == "sqlite" or _same_type(former, column))
        for column in new.columns
        if column.name in former
    ) and all(column.nullable for column in new.columns if column.name not in former)


def _same_type(former: Mapping[str, sa.Column[Any]], column: sa.Column[Any]) -> bool:
    return getattr(former[column.name].type, "length", None) == getattr(column.type, "length", None)


def _make_anew(session: MigrationSession, old: sa.Table, new: sa.Table, former: Mapping[str, sa.Column[Any]]) -> None:
    """Make the table again beside the old one, and move the rows; references of other tables go by its name."""
    quote = session.connection.dialect.identifier_preparer.quote
    aside = _aside(old)
    kept = [column.name for column in new.columns if column.name in former]
    targets = ", ".join(quote(name) for name in kept)
    sources = ", ".join(quote(former[name].name) for name in kept)
    session.operations.rename_table(old.name, aside)
    session.connection.execute(CreateTable(new))
    session.connection.exec_driver_sql(
        f"INSERT INTO {quote(new.name)} ({targets}) SELECT {sources} FROM {quote(aside)}"  # noqa: S608  # quoted names
    )
    session.operations.drop_table(aside)
    for index in _sorted(new.indexes):
        index.create(session.connection)


def _alter(
    session: MigrationSession,
    old: sa.Table,
    new: sa.Table,
    former: Mapping[str, sa.Column[Any]],
    added: list[sa.Column[Any]],
) -> None:
    operations, name = session.operations, new.name
    before, after = _rules(old, session.dialect), _rules(new, session.dialect)
    for rule in before.keys() - after.keys():
        before[rule][1](session)
    for column in old.columns:
        if column not in former.values() or _new_name(former, column) not in new.c:
            operations.drop_column(name, column.name)
    for key, column in former.items():
        if key not in new.c:
            continue
        target = new.c[key]
        if column.name != key:
            operations.alter_column(name, column.name, new_column_name=key)
        if not _same_type(former, target):
            operations.alter_column(name, key, type_=target.type, existing_nullable=column.nullable)
        if column.nullable != target.nullable:
            operations.alter_column(name, key, nullable=target.nullable, existing_type=target.type)
    for column in added:
        operations.add_column(name, _copy(column))
    for rule in after.keys() - before.keys():
        after[rule][0](session)


def _new_name(former: Mapping[str, sa.Column[Any]], column: sa.Column[Any]) -> str:
    return next(name for name, known in former.items() if known is column)


Change = Callable[[MigrationSession], None]


def _rules(table: sa.Table, dialect: str) -> dict[tuple[str, ...], tuple[Change, Change]]:
    """Give how to make and to remove each key, reference and index, by what it says."""
    rules: dict[tuple[str, ...], tuple[Change, Change]] = {}
    for constraint in table.constraints:
        if not is_for(constraint, dialect):
            continue
        if isinstance(constraint, sa.UniqueConstraint):
            what = ("unique", *(column.name for column in constraint.columns))
        elif isinstance(constraint, sa.ForeignKeyConstraint):
            target = (constraint.referred_table.name, *(element.column.name for element in constraint.elements))
            what = ("reference", *constraint.column_keys, *target)
        else:
            continue
        rules[what] = (_adder(constraint), _dropper(constraint))
    for index in table.indexes:
        rules["index", *(str(column.name) for column in index.columns)] = (_index_maker(index), _index_remover(index))
    return rules


def _adder(constraint: sa.Constraint) -> Change:
    def add(session: MigrationSession) -> None:
        session.connection.execute(sa.schema.AddConstraint(constraint))

    return add


def _dropper(constraint: sa.Constraint) -> Change:
    def drop(session: MigrationSession) -> None:
        session.connection.execute(sa.schema.DropConstraint(constraint))

    return drop


def _index_maker(index: sa.Index) -> Change:
    return lambda session: index.create(session.connection)


def _index_remover(index: sa.Index) -> Change:
    return lambda session: index.drop(session.connection)


def _copy(column: sa.Column[Any]) -> sa.Column[Any]:
    return sa.Column(column.name, column.type, nullable=column.nullable)


def _sorted(indices: set[sa.Index]) -> list[sa.Index]:
    return sorted(indices, key=lambda index: str(index.name))
