# SPDX-License-Identifier: BSD-3-Clause
"""What a lazy result asks the registry when somebody looks."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pachon.base import InvalidInputError, closest
from pachon.butler.data_id_rewriting import plan_rewriting
from pachon.dimensions import DataCoordinate

if TYPE_CHECKING:
    from pachon.butler.lookup import DataId
    from pachon.butler.session import Session
    from pachon.dimensions import DimensionGroup, DimensionUniverse
    from pachon.registry.query.spec import QuerySpec

__all__ = [
    "Explanation",
    "Question",
    "RegistryQuestion",
    "both_conditions",
    "both_data_ids",
    "named_values",
    "resolved_data_id",
]

Rows = TypeVar("Rows")
Rows_co = TypeVar("Rows_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a query is answered, and why nothing is found if nothing is; print it."""

    reasons: tuple[str, ...]
    """Sentences that say which condition leaves no rows; empty if there are rows."""
    plan: str = ""
    sql: str = ""

    def __str__(self) -> str:
        parts = {"Nothing is found": "\n".join(self.reasons), "Plan": self.plan, "SQL": self.sql}
        return "\n\n".join(f"{title}:\n{_indented(text)}" for title, text in parts.items() if text)

    __repr__ = __str__


class Question(Protocol[Rows_co]):
    """Something that can be asked of a repository, as often as one likes."""

    @property
    def session(self) -> Session:
        """Whom it is asked."""
        ...

    def fetch(self, most: int | None) -> Rows_co:
        """Give all rows, or that many."""
        ...

    def batches(self, size: int) -> Iterator[Rows_co]:
        """Give the rows in parts."""
        ...

    def count(self) -> int:
        """Count the rows."""
        ...

    def explain(self) -> Explanation:
        """Say how it is answered, and why there are no rows if there are none."""
        ...

    def refined(
        self,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | None = None,
        order_by: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Question[Rows_co]:
        """Give the question with further conditions (``where``, ``bind``, values of dimensions), another order or limit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegistryQuestion(Generic[Rows]):
    """One query of the registry."""

    session: Session
    spec: QuerySpec
    present: Callable[[Any], Rows]
    """Makes of the registry's answer what the result shows."""

    def fetch(self, most: int | None) -> Rows:
        self.session.check_open()
        limited = dataclasses.replace(self.spec, limit=_smaller(self.spec.limit, most))
        found = self.session.registry.query.fetch(limited)
        if not len(found) and limited.limit != 0:
            self._warn_of_defaults()
        return self.present(found)

    def batches(self, size: int) -> Iterator[Rows]:
        self.session.check_open()
        return map(self.present, self.session.registry.query.batches(self.spec, size))

    def count(self) -> int:
        self.session.check_open()
        count = self.session.registry.query.count(self.spec)
        if not count and self.spec.limit != 0:
            self._warn_of_defaults()
        return count

    def _warn_of_defaults(self) -> None:
        """Say that nothing can be found for a default value that does not exist: nobody sees it in the query."""
        if not self.spec.defaults:
            return
        queries = self.session.registry.query
        asked = queries.known_values(self.spec)
        for name, value in self.spec.defaults.items():
            if asked.get(name) != value:
                continue
            known = queries.data_ids([name]).columns[name].values.tolist()
            if value not in known:
                warnings.warn(
                    f"Nothing is found for {name} = {value!r}, a default of this butler: there is none of that name."
                    f"{closest(value, known)}",
                    stacklevel=4,
                )

    def explain(self) -> Explanation:
        self.session.check_open()
        queries = self.session.registry.query
        return Explanation(
            reasons=tuple(queries.explain_empty(self.spec)),
            plan=str(queries.plan(self.spec)),
            sql=queries.sql(self.spec),
        )

    def refined(
        self,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | None = None,
        order_by: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> RegistryQuestion[Rows]:
        text, values = both_conditions(self.spec.where, self.spec.bind, where, bind or {})
        universe = self.session.universe
        further = {name: universe[name].primary_key.check(value, name) for name, value in (data_id or {}).items()}
        spec = dataclasses.replace(
            self.spec,
            where=text,
            bind=values,
            data_id=both_data_ids(self.spec.data_id, further),
            order_by=self.spec.order_by if order_by is None else tuple(order_by),
            limit=self.spec.limit if limit is None else limit,
        )
        return dataclasses.replace(self, spec=spec)


def resolved_data_id(group: DimensionGroup, data_id: DataId | None) -> tuple[Mapping[str, Any], str, dict[str, Any]]:
    """Give the values of dimensions that a data ID names, and an expression for its alternate keys with its binds."""
    if not data_id:
        return {}, "", {}
    given = data_id.mapping if isinstance(data_id, DataCoordinate) else data_id
    rewriting = plan_rewriting(given, group, is_calibration=True)
    fields = [(d, name, value) for d, values in rewriting.conditions.items() for name, value in values.items()]
    terms = [f"{dimension}.{name} = :data_id_{dimension}_{name}" for dimension, name, _ in fields]
    binds = {f"data_id_{dimension}_{name}": value for dimension, name, value in fields}
    return rewriting.values, " AND ".join(terms), binds


def named_values(
    universe: DimensionUniverse, data_id: DataId | None, dims: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str, dict[str, Any]]:
    """Give the same for what is named beside a data ID, of any dimensions."""
    given = {**(data_id.mapping if isinstance(data_id, DataCoordinate) else data_id or {}), **dims}
    names = [name for key in given if (name := key.partition(".")[0]) in universe.dimensions]
    return resolved_data_id(universe.conform(names), given)


def both_data_ids(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of dimensions that both have.

    Raises
    ------
    InvalidInputError
        If a dimension has two values.
    """
    for name, value in second.items():
        if first.get(name, value) != value:
            raise InvalidInputError(f"{name} is {first[name]!r} in this query already.")
    return {**first, **second}


def both_conditions(
    first: str, bind: Mapping[str, Any], second: str, further: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Give the expression that both hold, and the values of its binds.

    Raises
    ------
    InvalidInputError
        If a bind has two values.
    InvalidQueryError
        If there are two expressions, and one of them is none by itself.
    """
    # The language takes a while to import; whoever has no expression needs it not.
    from pachon.registry.query.binds import fixed_binds

    values = fixed_binds(bind)
    for name, value in fixed_binds(further).items():
        if name in values and values[name] is not value and not _equal(values[name], value):
            raise InvalidInputError(f"The bind :{name} has another value in this query already; use another name.")
        values[name] = value
    texts = [text for text in (first, second) if text.strip()]
    if len(texts) > 1:
        from pachon.registry.query.parser import parse

        # Two halves of a parenthesis would make one expression of another meaning.
        for text in texts:
            parse(text)
    return " AND ".join(f"({text})" for text in texts) if len(texts) > 1 else "".join(texts), values


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        # Arrays compare by element.
        return False


def _smaller(limit: int | None, most: int | None) -> int | None:
    """Give the smaller of two limits; a negative one keeps its sign, which asks for a warning."""
    if most is None:
        return limit
    return most if limit is None or abs(limit) > most else limit


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
