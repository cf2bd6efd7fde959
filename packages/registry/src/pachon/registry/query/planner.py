# SPDX-License-Identifier: BSD-3-Clause
"""From what is asked, and facts about datasets, to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.registry.errors import InvalidQueryError, QueryTypeError
from pachon.registry.query.governors import contradictions, equal_keys, governor_defaults
from pachon.registry.query.marks import make_mark
from pachon.registry.query.overlap_joins import spatial_joins, temporal_joins
from pachon.registry.query.plan import OrderTerm, OutputField, Plan, Refinement
from pachon.registry.query.products import find_products
from pachon.registry.query.scope import Scope
from pachon.registry.query.sources import postponed, query_sources
from pachon.registry.query.spec import QuerySpec, SearchFacts
from pachon.registry.query.tree import (
    All,
    Comparison,
    Constant,
    DatasetField,
    Field,
    Key,
    Overlap,
    Predicate,
    Truth,
    Value,
    conjuncts,
    parts_of,
    values_of,
)

__all__ = ["joined_by_fields", "make_plan", "plan_condition", "resolved_condition"]

_OF_DATASET = ("run", "ingest_date")
"""Fields of which a dataset has one value, whichever way it is found."""
_ORDERED = ("int", "float", "string", "datetime", "ingest_date")


def make_plan(spec: QuerySpec, facts: Sequence[SearchFacts]) -> Plan:
    """Decide how a query is answered.

    Parameters
    ----------
    spec
        What is asked.
    facts
        Of each search of `QuerySpec.all_searches`, in that order.

    Raises
    ------
    InvalidQueryError
        If the expression is wrong, or the joins are not clear.
    UnimplementedQueryError
        If there is no way yet to answer it.
    """
    scope = _scope_of(spec, facts)
    return _planned(spec, facts, _resolved(spec, scope), scope, facts)


def resolved_condition(spec: QuerySpec, facts: Sequence[SearchFacts]) -> Predicate:
    """Give all that rows must satisfy: the expression, the data ID, and the defaults of governors."""
    return _resolved(spec, _scope_of(spec, facts))


def joined_by_fields(spec: QuerySpec, facts: Sequence[SearchFacts]) -> tuple[str, ...]:
    """Give the dimensions of a query that it has only because a field of their records is shown."""
    scope = _scope_of(spec, facts)
    group = _all_dimensions(scope.dimensions, _shown(spec, scope))
    return tuple(name for name in group.names if name not in scope.dimensions)


def _resolved(spec: QuerySpec, scope: Scope) -> Predicate:
    predicate = _read(spec, scope)
    given = {name for table in spec.tables for name in table.columns}
    group = scope.dimensions
    if spec.defaults:
        # What a condition or a field that is shown joins is of the default instrument, too.
        group = _all_dimensions(group, [*values_of(predicate), *_shown(spec, scope)])
    defaults = governor_defaults(predicate, spec.data_id, group, spec.defaults, scope, given)
    fixed = {**defaults, **spec.data_id}
    return _conjunction([predicate, *(_equal(scope, name, value) for name, value in fixed.items())])


def _read(spec: QuerySpec, scope: Scope) -> Predicate:
    """Read the expression of a query."""
    if not spec.where.strip(" \t\r\n"):
        return Truth(value=True)
    # The language takes a while to import, and many queries have no expression.
    from pachon.registry.query.resolve import resolve

    return resolve(spec.where, scope, spec.bind)


def _column(name: str, scope: Scope, purpose: str) -> Value:
    """Give the column of a name outside of an expression; the ``purpose`` says in errors what it is for."""
    from pachon.registry.query.resolve import resolve_name

    try:
        return resolve_name(name, scope)
    except InvalidQueryError as error:
        # There is no expression to point into.
        raise type(error)(f"{purpose}: {error.reason}") from None


def plan_condition(
    spec: QuerySpec, facts: Sequence[SearchFacts], predicate: Predicate, *, validity: bool = True
) -> Plan:
    """Decide how a query with a resolved condition is answered; perhaps with calibrations of any time."""
    return _planned(spec, facts, predicate, _scope_of(spec, facts), facts if validity else ())


def _planned(
    spec: QuerySpec,
    facts: Sequence[SearchFacts],
    predicate: Predicate,
    scope: Scope,
    valid: Sequence[SearchFacts],
) -> Plan:
    """Give the plan; of the searches that are ``valid`` a calibration must be so at the time of its row."""
    order = tuple(_order_term(name, spec, scope) for name in spec.order_by)
    outputs = _outputs(spec, scope)
    wanted = [*(term.value for term in order), *(output.value for output in outputs or ())]
    shown = [part for value in wanted for part in parts_of(value)]
    used = [*values_of(predicate), *shown]
    group = _all_dimensions(scope.dimensions, used)
    connected = [frozenset(f.dimensions.names) for f in facts]
    connected += [frozenset(table.columns) for table in spec.tables]
    spatial = spatial_joins(group, predicate, connected, spec.where)
    overlaps = temporal_joins(group, predicate, connected, valid, spec.where)
    read, predicate = predicate, _conjunction([predicate, *overlaps]) if overlaps else predicate
    tested = _without_top_overlaps(predicate) if spatial.pairs or spatial.regions else predicate
    used = used if tested is read else [*values_of(tested), *shown]
    pairs = equal_keys(predicate)
    equal = dict(pairs)
    marks = tuple(make_mark(overlap, scope, equal) for overlap in spatial.nested)
    sources, refinements = query_sources(spec, group, facts, used, spatial=spatial, equal=equal)
    sources, late = postponed(spec, group, sources, used, refinements)
    implied = {name for element in late for name in scope.universe[element].implied}
    keys = tuple(n for n in _with_keys_of(scope.universe, spec.dimensions, refinements) if n not in implied)
    only = {name: value for f in facts for name, value in f.only_governors.items() if name in f.dimensions.required}
    doomed = contradictions(pairs)
    doomed += [reason for f in facts for reason in _why_doomed(f, equal)]
    return Plan(
        result=spec.dimensions,
        dimensions=group,
        keys=keys,
        sources=tuple(sources),
        predicate=tested,
        constants={name: value for name, value in {**only, **equal}.items() if name in keys},
        late=late,
        refinements=tuple(refinements),
        marks=marks,
        order=order,
        datasets=facts[0] if spec.result is not None else None,
        find_first=spec.find_first,
        element=spec.element,
        fields=outputs,
        chosen=_chosen(spec, facts, outputs or ()),
        products=find_products(scope.universe, sources, tested, refinements),
        limit=spec.limit,
        doomed=tuple(doomed),
    )


def _scope_of(spec: QuerySpec, facts: Sequence[SearchFacts]) -> Scope:
    """Give what names mean in the expression of a query."""
    names = {*spec.dimensions.names, *spec.joined, *(name for f in facts for name in f.dimensions.names)}
    names.update(name for table in spec.tables for name in table.group.names)
    if spec.element is not None:
        names.update(spec.dimensions.universe[spec.element].required)
    group = spec.dimensions.universe.conform(names)
    types = tuple(f.dataset_type for f in facts)
    shown = types[:1] if spec.result is not None else tuple(t for t in types if _is_shown(t, spec.fields or ()))
    return Scope(
        dimensions=group,
        dataset_types=types,
        result=spec.dimensions,
        result_types=shown,
        element=spec.element,
        text=spec.where,
    )


def _is_shown(dataset_type: str, fields: Iterable[str]) -> bool:
    return any(field.startswith(f"{dataset_type}.") for field in fields)


def _conjunction(parts: Iterable[Predicate]) -> Predicate:
    operands = tuple(part for whole in parts for part in conjuncts(whole))
    if not operands:
        return Truth(value=True)
    return operands[0] if len(operands) == 1 else All(operands=operands)


def _equal(scope: Scope, dimension: str, value: int | str) -> Predicate:
    key = scope.key(dimension)
    kind = "int" if isinstance(value, int) else "string"
    if kind != key.type:
        raise QueryTypeError(f"{dimension} is of type {key.type}, and {value!r} of type {kind}")
    return Comparison(operator="=", left=key, right=Constant(value=value, type="int" if kind == "int" else "string"))


def _order_term(name: str, spec: QuerySpec, scope: Scope) -> OrderTerm:
    plain = name.removeprefix("-")
    purpose = f"Results cannot be ordered by {name!r}"
    if reason := _no_name(plain) or _other_dataset(plain, spec, scope):
        raise InvalidQueryError(f"{purpose}: {reason}")
    of_order = Scope(
        dimensions=spec.dimensions,
        dataset_types=scope.result_types if spec.fields is None else scope.dataset_types,
        result=spec.dimensions,
        result_types=scope.result_types,
        element=spec.element,
        text=plain,
    )
    value = _column(plain, of_order, purpose)
    if value.type == "timespan":
        raise InvalidQueryError(f"{purpose}, which is a time span: write {name}.begin or {name}.end")
    if value.type not in _ORDERED:
        raise InvalidQueryError(f"Results cannot be ordered by {value}, which is of type {value.type}")
    dataset_fields = [part for part in parts_of(value) if isinstance(part, DatasetField)]
    if spec.fields is not None and not all(_is_told(part, spec, scope) for part in dataset_fields):
        # Rows that agree in all that is shown are given once, and would have several places in such an order.
        raise InvalidQueryError(f"{purpose}, which is not among the fields of the result; add it to them")
    if not dataset_fields and not _dimensions_of(spec.dimensions.universe, value).issubset(spec.dimensions.names):
        raise InvalidQueryError(f"Results cannot be ordered by {value}: it does not belong to {spec.dimensions!r}")
    return OrderTerm(value=value, descending=name.startswith("-"))


def _no_name(name: str) -> str | None:
    """Say how an order is written, if a term of it is written as in SQL."""
    if "," in name:
        return f"give the names one by one: {', '.join(repr(part.strip()) for part in name.split(',') if part.strip())}"
    words = name.split()
    if len(words) == 2 and words[1].lower() in ("asc", "desc"):
        return f"write {'-' if words[1].lower() == 'desc' else ''}{words[0]}; a '-' before a name reverses the order"
    return None


def _other_dataset(name: str, spec: QuerySpec, scope: Scope) -> str | None:
    """Say why there is no order by a field of a dataset type that is joined and not shown."""
    owner, _, field = name.partition(".")
    if not field or spec.fields is not None or owner in scope.result_types or owner not in scope.dataset_types:
        return None
    what = "data IDs"
    if spec.result is not None:
        what = f"datasets of type {scope.result_types[0]!r}"
    elif spec.element is not None:
        what = "dimension records"
    return (
        f"{what} cannot be ordered by a field of the dataset type {owner!r}, of which each may have several datasets. "
        f"Query.general with the field {name!r} gives a row for each, in such an order"
    )


def _is_told(part: DatasetField, spec: QuerySpec, scope: Scope) -> bool:
    """Tell whether rows of a general result that differ in a field of a dataset differ in what is shown, too."""
    shown = {
        (one.dataset_type, one.name)
        for field in spec.fields or ()
        for one in parts_of(_column(field, scope, f"There is no column {field!r}"))
        if isinstance(one, DatasetField)
    }
    if part.name in _OF_DATASET and (part.dataset_type, "dataset_id") in shown:
        return True
    return (part.dataset_type, part.name) in shown


def _dimensions_of(universe: DimensionUniverse, value: Value) -> set[str]:
    match value:
        case Key(dimension=dimension):
            return {dimension}
        case Field(element=element):
            return set(universe[element].required)
        case _ if hasattr(value, "timespan"):
            return _dimensions_of(universe, value.timespan)
        case _:
            return set()


def _all_dimensions(group: DimensionGroup, used: Sequence[Value]) -> DimensionGroup:
    universe = group.universe
    columns = [value for value in used if not isinstance(value, Constant)]
    names = {name for value in columns for name in _dimensions_of(universe, value)}
    return group if names.issubset(group.names) else universe.conform({*group.names, *names})


def _outputs(spec: QuerySpec, scope: Scope) -> tuple[OutputField, ...] | None:
    """Give the columns of a general result."""
    if spec.fields is None:
        return None
    outputs = [
        OutputField(name=name, value=_column(name, scope, f"There is no column {name!r}"))
        for name in dict.fromkeys(spec.fields)
    ]
    return tuple(o for o in outputs if not (isinstance(o.value, Key) and o.name in spec.dimensions))


def _shown(spec: QuerySpec, scope: Scope) -> list[Value]:
    """Give the values that the columns of a general result are made of."""
    return [part for output in _outputs(spec, scope) or () for part in parts_of(output.value)]


def _chosen(spec: QuerySpec, facts: Sequence[SearchFacts], outputs: Sequence[OutputField]) -> tuple[SearchFacts, ...]:
    """Give the searches of a general result in which the first collection wins."""
    if not spec.find_first:
        return ()
    shown = {output.value.dataset_type for output in outputs if isinstance(output.value, DatasetField)}
    return tuple(f for f in facts if f.dataset_type in shown)


def _without_top_overlaps(predicate: Predicate) -> Predicate:
    """Drop the spatial conditions which the sources and the exact tests stand for."""
    return _conjunction(p for p in conjuncts(predicate) if not (isinstance(p, Overlap) and p.kind == "spatial"))


def _with_keys_of(
    universe: DimensionUniverse, result: DimensionGroup, refinements: Sequence[Refinement]
) -> tuple[str, ...]:
    elements = [side for r in refinements for side in (r.left, r.right) if isinstance(side, str)]
    extra = [name for element in elements for name in universe[element].required]
    return tuple(dict.fromkeys((*result.ordered, *extra)))


def _why_doomed(facts: SearchFacts, equal: Mapping[str, int | str]) -> list[str]:
    """Say why a search can find nothing, from the summaries of its collections."""
    if not facts.collections:
        return [f"No collections were given for {facts.dataset_type!r}."]
    reasons: list[str] = []
    alive = False
    for number in (*facts.members, *facts.certified):
        absent = _absent_governor(facts, number, equal)
        alive = alive or absent is None
        if absent is not None:
            reasons.append(f"Collection {facts.names[number]!r} never held {absent}.")
    if alive:
        return []
    given = ", ".join(facts.collections)
    if facts.without_type:
        shown = ", ".join(map(repr, facts.without_type))
        reasons.append(
            f"Collection{'s' if len(facts.without_type) > 1 else ''} {shown} never held a {facts.dataset_type!r}."
        )
    return [f"No {facts.dataset_type!r} can be found in the collections {given}.", *reasons]


def _absent_governor(facts: SearchFacts, number: int, equal: Mapping[str, int | str]) -> str | None:
    for governor in facts.dimensions.governors:
        if governor in facts.dimensions.required and governor in equal:
            held = facts.governors.get(number, {}).get(governor, frozenset())
            if equal[governor] not in held:
                return f"{governor} = {equal[governor]!r}"
    return None
