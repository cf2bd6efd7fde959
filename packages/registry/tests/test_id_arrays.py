# SPDX-License-Identifier: BSD-3-Clause
"""Many ids in one parameter: its text is read once, whichever way the server takes through the table."""

import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from pachon.registry import SqlRegistry
from pachon.registry.database.id_arrays import among_ids, ids_text

ROWS = 3000
ASKED = 1500


@pytest.fixture
def table(postgres_url: str) -> Any:
    table = sa.Table("many", sa.MetaData(), sa.Column("id", sa.Uuid), sa.Column("note", sa.Text))
    with SqlRegistry.create(postgres_url) as registry, registry._state.database.write() as connection:
        table.create(connection)
        rows = [{"id": uuid.UUID(int=number), "note": str(number)} for number in range(ROWS)]
        connection.execute(sa.insert(table), rows)
        yield connection, table


@pytest.mark.parametrize("counted", [False, True])
def test_a_small_table_is_not_compared_with_a_text_that_is_read_for_each_row(table: Any, counted: bool) -> None:
    connection, many = table
    if counted:
        connection.exec_driver_sql("ANALYZE many")
    ids = [uuid.UUID(int=2 * number).bytes for number in range(ASKED)]
    select = sa.select(many.c.note).where(among_ids(many.c.id, "wanted"))
    found = connection.execute(select, {"wanted": ids_text(ids)}).scalars().all()
    assert sorted(map(int, found)) == list(range(0, ROWS, 2))
    text = str(select.compile(dialect=connection.dialect)).replace("%(wanted)s", f"'{ids_text(ids)}'")
    plan = connection.exec_driver_sql(f"EXPLAIN (VERBOSE, COSTS OFF) {text}").scalars().all()
    filters = [line for line in plan if "Filter" in line]
    assert not filters, "\n".join(plan)[:2000]


def test_no_id_gives_no_row(table: Any) -> None:
    connection, many = table
    assert connection.execute(sa.select(many).where(among_ids(many.c.id, "w")), {"w": ids_text([])}).all() == []
