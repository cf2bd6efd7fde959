# SPDX-License-Identifier: BSD-3-Clause
"""How much there is, as far as it takes to choose between two ways of answering a query."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from pachon.registry.query.compile_sql import compile_plan, count_records
from pachon.registry.query.plan import Plan
from pachon.registry.state import State

__all__ = ["estimated_cost", "records_up_to"]


def records_up_to(state: State, connection: sa.Connection, element: str, most: int) -> int | None:
    """Count the records of an element; `None` if there are more."""
    counting = state.prepare(("few", element), lambda: count_records(state.schema, element, most + 1))
    records = int(connection.execute(counting).scalar_one())
    return records if records <= most else None


def estimated_cost(state: State, connection: sa.Connection, plan: Plan) -> float:
    """Ask PostgreSQL what a plan costs, in its own units; no table may have to be made for the plan."""
    most = None if plan.limit is None else abs(plan.limit)
    ((estimate,),) = connection.execute(_Explained(compile_plan(plan, state.schema, state.dialect, limit=most)))
    return float(estimate[0]["Plan"]["Total Cost"])


class _Explained(sa.Executable, sa.ClauseElement):
    """Asks how the server would answer a statement."""

    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(_Explained)
def _write_explained(explained: _Explained, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(explained.statement, **options)}"
