# SPDX-License-Identifier: BSD-3-Clause
"""Random expressions over all of the query language: every operator, literal, type of bind and function."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from lsst.sphgeom import Angle, Circle, LonLat, UnitVector3d

from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.dimensions.timespan import iso_from_ns
from pachon.registry.testing.random_world import HOUR, START, WORDS, World

__all__ = ["WideExpressions"]

_T = TypeVar("_T")
_COMPARISONS: Final = ("=", "!=", "<", "<=", ">", ">=")
_OWN_OF_DATASETS: Final = {"dataset_id": "uuid", "run": "string", "collection": "string", "timespan": "timespan"}
_SECOND: Final = 1_000_000_000
_MJD_EPOCH_DAYS: Final = 40_587
_DAY: Final = 24 * HOUR


class WideExpressions:
    """Makes up one expression; `bind` then holds the values of its binds, as JSON holds them."""

    def __init__(
        self,
        rng: random.Random,
        world: World,
        dimensions: DimensionGroup,
        types: Sequence[str],
        *,
        of_one: bool = False,
    ) -> None:
        self._rng = rng
        self._world = world
        self._dimensions = dimensions
        self._types = tuple(types)
        # Whether fields of datasets can be those of one type alone, whatever else is joined.
        self._of_one = of_one
        self.bind: dict[str, Any] = {}

    @property
    def _universe(self) -> DimensionUniverse:
        return self._world.universe

    def expression(self) -> str:
        """Give an expression; most name their governors, so that few are refused for that alone."""
        terms = [
            f"{g} {self._any(['=', '=', '=', '>='])} {self._text(self._any(self._known_keys(g)))}"
            for g in self._dimensions.governors
            if self._often(0.75)
        ]
        terms += [self._condition(2) for _ in range(self._any([0, 1, 1, 1, 2, 3]))]
        self._rng.shuffle(terms)
        return self._spaced(self._word(" AND ").join(terms))

    # Logic.

    def _condition(self, depth: int) -> str:
        chance = self._rng.random()
        if depth and chance < 0.3:
            parts = [self._condition(depth - 1) for _ in range(self._any([2, 2, 3]))]
            joined = self._word(self._any([" AND ", " OR "])).join(parts)
            return f"({joined})" if self._often(0.8) else joined
        if depth and chance < 0.45:
            inner = self._condition(depth - 1)
            return f"{self._word('NOT')} {f'({inner})' if self._often(0.7) else inner}"
        return self._term()

    def _term(self) -> str:
        kind = self._any(
            ["int"] * 4
            + ["string"] * 4
            + ["float"] * 3
            + ["bool"] * 2
            + ["datetime"] * 3
            + ["timespan"] * 4
            + ["region"] * 3
            + ["uuid", "uuid", "ingest_date", "hash"]
        )
        columns = self._columns(kind)
        if not columns:
            return self._any(["1 = 1", "2 + 3 * 4 = 14", "7 % 4 > 5", "-7 % 3 = -1", "'a' < 'b'", "7 / 2 = 3.5"])
        column = self._any(columns)
        if kind not in ("bool", "region") and self._often(0.08):
            return self._any([f"{column} = NULL", f"{column} != NULL", f"NULL = {column}", f"null != {column}"])
        makers: Mapping[str, Callable[[str, Sequence[str]], str]] = {
            "int": self._of_int,
            "float": self._of_float,
            "string": self._of_string,
            "bool": self._of_bool,
            "datetime": self._of_time,
            "timespan": self._of_span,
            "region": self._of_region,
            "uuid": self._of_id,
            "ingest_date": self._of_ingest,
            "hash": self._of_hash,
        }
        return makers[kind](column, columns)

    # Columns.

    def _columns(self, kind: str) -> list[str]:
        """Give the names of columns of a type, as an expression may spell them."""
        if kind == "datetime":
            return [f"{span}.{bound}" for span in self._columns("timespan") for bound in ("begin", "end")]
        names = set(self._dimensions.elements)
        if self._often(0.2):
            # Something outside of the query's dimensions, which is joined.
            names.add(self._any([e.name for e in self._universe.elements.values() if not e.is_skypix]))
        found = []
        for name in sorted(names):
            element = self._universe[name]
            if element.is_skypix:
                found += [f"{name}.region"] if kind == "region" else [name] if kind == "int" else []
                continue
            if element.is_dimension and element.primary_key.type == kind:
                found += [name, f"{name}.{element.primary_key.name}"]
            for column in element.columns:
                if column.type == kind:
                    found += [f"{name}.{column.name}", column.name] if self._often(0.15) else [f"{name}.{column.name}"]
            for other in (*element.required, *element.implied):
                if other != name and self._universe[other].primary_key.type == kind and self._often(0.3):
                    found.append(f"{name}.{other}")
        for dataset_type in self._types:
            found += [f"{dataset_type}.{field}" for field, own in _OWN_OF_DATASETS.items() if own == kind]
            found += [f"{dataset_type}.ingest_date"] if kind == "ingest_date" else []
        if (len(self._types) == 1 or self._of_one) and self._often(0.2):
            found += [field for field, own in _OWN_OF_DATASETS.items() if own == kind and field != "timespan"]
        return found

    def _known(self, column: str) -> list[Any]:
        """Give the values, not null, that a column has in records; its spelling says which."""
        element, _, field = column.partition(".")
        if not field:
            return self._known_keys(element) if element in self._universe.elements else []
        if element not in self._world.records:
            return []
        if field in self._universe.dimensions:
            return self._known_keys(field)
        return [row[field] for row in self._world.records[element] if row.get(field) is not None]

    def _known_keys(self, name: str) -> list[Any]:
        element = self._universe[name]
        if element.is_skypix:
            return [next(iter(self._universe.pixelization(name).universe()))[0] + 1]
        if element.implied_union_target is not None:
            return ["g", "r", "y"]
        key = element.primary_key.name
        return [row[key] for row in self._world.records[name]] or [1 if element.primary_key.type == "int" else "x"]

    # Terms by type.

    def _of_int(self, column: str, others: Sequence[str]) -> str:
        values = [*self._known(column), -1, 2]
        value, another = int(self._any(values)), int(self._any(values))
        match self._rng.randint(0, 10):
            case 10:
                many = self._bound({"set": [*range(7, 2000, self._rng.randint(1, 4)), value]})
                return self._in(column, [f":{many}"])
            case 0:
                members = [str(value), f"{another}.0", f"{value - 2}..{value + 1}", f":{self._bound(another)}"]
                return self._in(column, self._rng.sample(members, self._rng.randint(1, 4)))
            case 1:
                low, stride = value - self._rng.randint(0, 4), self._rng.randint(1, 4)
                # From a start below zero LSST's packages count strides wrongly.
                stride = stride if low >= 0 else 1
                return self._in(column, [f"{low} .. {value + self._rng.randint(0, 5)} : {stride}"])
            case 2:
                many = self._bound({self._any(["list", "tuple", "set"]): sorted({value, another})})
                return self._in(column, [f":{many}", *self._any([[], ["7"], [f"{value}..{value + 3}"]])])
            case 3:
                return self._in(column, [f":{self._bound({'list': []})}"])
            case 4:
                return f"{column} {self._any(_COMPARISONS)} {self._sum(column, others, 2)}"
            case 5:
                return f"{self._sum(column, others, 2)} {self._any(_COMPARISONS)} {value}"
            case 6:
                bound = self._any([value, float(value), {"int64": value}])
                return f"{column} {self._any(_COMPARISONS)} :{self._bound(bound)}"
            case 7:
                return f"{column} % {self._any([2, 3, -3, 5])} {self._any(_COMPARISONS)} {self._rng.randint(-2, 3)}"
            case 8:
                return f"{value} {self._any(_COMPARISONS)} {column}"
            case _:
                return f"{column} {self._any(_COMPARISONS)} {self._any([str(value), f'{value}.5', self._any(others)])}"

    def _sum(self, column: str, others: Sequence[str], depth: int) -> str:
        if not depth or self._often(0.3):
            return self._any([column, self._any(others), str(self._rng.randint(0, 7)), f"-{column}", f"+{column}"])
        left, right = self._sum(column, others, depth - 1), self._sum(column, others, depth - 1)
        shown = f"{left} {self._any('+-*/%' if '.5' not in left + right else '+-*/')} {right}"
        return f"({shown})" if self._often(0.6) else shown

    def _of_float(self, column: str, others: Sequence[str]) -> str:
        value = float(self._any([*self._known(column), 0.5, -2.0, 30.0]))
        match self._rng.randint(0, 6):
            case 0:
                return self._in(column, self._rng.sample([str(value), "1", ".5", "3e1", "30", "2.5e-1"], 2))
            case 1:
                return self._in(column, [f":{self._bound({'list': [value, 0.25]})}"])
            case 2:
                operator = self._any("+-*/")
                return f"{column} {operator} {self._any(['2.0', '.5', '1e1', self._any(others)])} {self._any(_COMPARISONS)} {value}"
            case 3:
                return f"-{column} {self._any(_COMPARISONS)} :{self._bound(self._any([value, int(value)]))}"
            case 4:
                return f"{value} {self._any(_COMPARISONS)} {column}"
            case 5:
                return f"{column} {self._any(_COMPARISONS)} {self._any(others)}"
            case _:
                return f"{column} {self._any(_COMPARISONS)} {self._any([str(value), str(int(value)), f'{value:e}'])}"

    def _of_string(self, column: str, others: Sequence[str]) -> str:
        known = [*self._known(column), *self._any([WORDS, ("run0", "tag", "calib0", "run1")])]
        value, another = str(self._any(known)), str(self._any(known))
        match self._rng.randint(0, 7):
            case 0:
                members = [self._text(value), self._text(another), "NULL", f":{self._bound(value)}"]
                return self._in(column, self._rng.sample(members, self._rng.randint(1, 3)))
            case 1:
                many = self._bound({self._any(["list", "tuple", "set"]): sorted({value, another})})
                return self._in(column, [f":{many}", *self._any([[], ["'a'"], ["NULL"]])])
            case 2 | 3:
                pattern = self._pattern(value)
                shown = f":{self._bound(pattern)}" if self._often(0.4) else self._text(pattern)
                return f"{self._any(['GLOB', 'glob', 'Glob'])}({column}, {shown})"
            case 4:
                return f"{column} {self._any(_COMPARISONS)} {self._any(others)}"
            case 5:
                return f"{self._text(value)} {self._any(_COMPARISONS)} {column}"
            case 6:
                return f"{column} {self._any(_COMPARISONS)} :{self._bound(value)}"
            case _:
                return f"{column} {self._any(_COMPARISONS)} {self._text(value)}"

    def _pattern(self, value: str) -> str:
        plain = value.replace("*", "\\*") if self._often(0.5) else value
        return self._any([f"{plain[:1]}*", f"*{plain[-1:]}", f"?{plain[1:]}", plain, f"*{plain[1:2]}*", "?", "[a-z]*"])

    def _of_bool(self, column: str, _: Sequence[str]) -> str:
        return self._any([column, column, f"NOT {column}", f"{column} = NULL", f"{column} != NULL", f"NULL = {column}"])

    def _of_time(self, column: str, others: Sequence[str]) -> str:
        hour = self._rng.randint(0, 60)
        match self._rng.randint(0, 4):
            case 0:
                return self._in(column, [self._time(hour), self._time(hour + 1)])
            case 1:
                times = [{self._any(["time", "datetime"]): START + h * HOUR} for h in (hour, hour + 2, hour + 3)]
                return self._in(column, [f":{self._bound({'list': times})}"])
            case 2:
                return f"{column} {self._any(_COMPARISONS)} {self._any(others)}"
            case 3:
                return f"{self._time(hour)} {self._any(_COMPARISONS)} {column}"
            case _:
                return f"{column} {self._any(_COMPARISONS)} {self._time(hour)}"

    def _of_span(self, column: str, others: Sequence[str]) -> str:
        begin = self._rng.randint(0, 60)
        end = begin + self._rng.randint(-2, 20)
        left, right = self._any([(self._time(begin), self._time(end)), (self._time(begin), "NULL"), ("NULL", "NULL")])
        span = self._any(
            [
                f"({left}, {right})",
                f"(NULL, {self._time(begin)})",
                f":{self._bound({'timespan': [START + begin * HOUR, START + max(end, begin + 1) * HOUR]})}",
                self._time(begin),
                *self._rng.sample(others, min(2, len(others))),
            ]
        )
        sides = [column, span] if self._often(0.7) else [span, column]
        return self._word(" OVERLAPS ").join(sides)

    def _of_region(self, column: str, others: Sequence[str]) -> str:
        if self._often(0.1):
            return f"{column} {self._any(['=', '!='])} NULL"
        if self._often(0.25):
            return f"{column} OVERLAPS {self._any(others)}"
        sides = [column, self._region()] if self._often(0.7) else [self._region(), column]
        return self._word(" OVERLAPS ").join(sides)

    def _region(self) -> str:
        ra, dec = self._rng.uniform(0, 4), self._rng.uniform(-2, 2)
        size, height = self._rng.uniform(0.05, 2), self._rng.uniform(0.05, 2)
        circle = Circle(UnitVector3d(LonLat.fromDegrees(ra, dec)), Angle.fromDegrees(size))
        corners = [(ra, dec), (ra + size, dec - 0.1), (ra + size, dec + height), (ra - 0.2, dec + height)]
        self._rng.shuffle(corners)
        listed = ", ".join(f"{x:.3f}, {y:.3f}" for x, y in corners[: self._rng.randint(3, 4)])
        spellings: list[Callable[[], str]] = [
            lambda: f"POINT({ra:.3f}, {dec:.3f})",
            lambda: f"point({ra:.3f}, :{self._bound(round(dec, 3))})",
            lambda: f"CIRCLE({ra:.3f}, {dec:.3f}, {size:.3f})",
            lambda: f"BOX({ra:.3f}, {dec:.3f}, {size:.3f}, {height:.3f})",
            lambda: f"POLYGON({listed})",
            lambda: f"REGION('CIRCLE {ra:.3f} {dec:.3f} {size:.3f}')",
            lambda: f"REGION('RANGE {ra:.3f} {ra + size:.3f} {dec:.3f} {dec + height:.3f}')",
            lambda: f"REGION('POLYGON {ra:.3f} {dec:.3f} {ra + size:.3f} {dec:.3f} {ra:.3f} {dec + height:.3f}')",
            lambda: f":{self._bound({'region': bytes(circle.encode()).hex()})}",
            lambda: f":{self._bound({self._any(['position', 'sky']): [round(ra, 3), round(dec, 3)]})}",
        ]
        return self._any(spellings)()

    def _of_id(self, column: str, others: Sequence[str]) -> str:
        known = [str(d.id) for d in self._world.datasets if column.startswith(d.dataset_type) or "." not in column]
        known = known or [str(self._world.datasets[0].id)]
        one, two = self._any(known), self._any(known)
        match self._rng.randint(0, 4):
            case 0:
                return f"{column} {self._any(['=', '!='])} :{self._bound({'uuid': one})}"
            case 1:
                return self._in(column, [f":{self._bound({'list': [{'uuid': one}, {'uuid': two}]})}"])
            case 2:
                return self._in(column, [f"UUID('{one}')", f"uuid('{two.replace('-', '').upper()}')"])
            case 3:
                return f"{column} {self._any(['=', '!='])} {self._any(others)}"
            case _:
                return f"{column} = UUID('{one}')"

    def _of_ingest(self, column: str, others: Sequence[str]) -> str:
        # The moments themselves differ between the packages that are compared.
        spans = self._columns("timespan")
        choices = [
            f"{column} {self._any(_COMPARISONS)} T'2020-01-01'",
            f"{column} < :{self._bound({'time': START})}",
            f"T'mjd/59000.5' {self._any(_COMPARISONS)} {column}",
            f"{column} = {column}",
            *([f"{column} > {self._any(spans)}.end"] if spans else []),
            *([f"{self._any(spans)} OVERLAPS {column}"] if spans else []),
        ]
        return self._any(choices)

    def _of_hash(self, column: str, _: Sequence[str]) -> str:
        known = self._known(column)
        value = {"bytes": self._any(known).hex() if known else "00"}
        if self._often(0.4):
            return self._in(column, [f":{self._bound({'list': [value, {'bytes': '01'}]})}"])
        return f"{column} {self._any(['=', '!='])} :{self._bound(value)}"

    # Parts.

    def _time(self, hour: int) -> str:
        """Give a time in one of its many spellings; those of different scales mean the same or nearly so."""
        ns = START + hour * HOUR
        iso = iso_from_ns(ns).partition(".")[0]
        mjd = _MJD_EPOCH_DAYS + ns / _DAY
        year, day = self._day_of_year(ns)
        clock = iso[11:16]
        spellings: list[Callable[[], str]] = [
            lambda: f"T'{iso.replace('T', ' ')}/tai'",
            lambda: f"T'{iso.replace('T', ' ')}/tai'",
            lambda: f"t'{iso}/tai'",
            lambda: f"T'{iso}'",
            lambda: f"T'{iso[:10]}'",
            lambda: f"T'{iso.replace('T', ' ')}/utc'",
            lambda: f"T'iso/{iso.replace('T', ' ')}/tt'",
            lambda: f"T'{mjd:.6f}'",
            lambda: f"T'mjd/{mjd:.5f}/tai'",
            lambda: f"T'jd/{mjd + 2_400_000.5:.5f}'",
            lambda: f"T'{year}:{day:03}:{clock}'",
            lambda: f"T'yday/{year}:{day:03}:{clock}:00/tai'",
            lambda: f"T'unix/{ns // _SECOND}.0'",
            lambda: f":{self._bound({'time': ns})}",
            lambda: f":{self._bound({'datetime': ns})}",
        ]
        return self._any(spellings)()

    def _day_of_year(self, ns: int) -> tuple[int, int]:
        iso = iso_from_ns(ns)
        month, day = int(iso[5:7]), int(iso[8:10])
        # START is the first of September of a year that is no leap year.
        return int(iso[:4]), sum((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[: month - 1]) + day

    def _in(self, column: str, members: Sequence[str]) -> str:
        return f"{column} {self._word(self._any(['IN', 'IN', 'NOT IN']))} ({', '.join(members)})"

    def _bound(self, value: Any) -> str:
        name = f"b{len(self.bind)}"
        self.bind[name] = value
        return name

    def _text(self, value: str) -> str:
        return f"'{value}'"

    def _word(self, word: str) -> str:
        return word if self._often(0.8) else self._any([word.lower(), word.title()])

    def _spaced(self, text: str) -> str:
        return text.replace(" AND ", "\n\tAND ") if self._often(0.05) else text

    def _often(self, chance: float) -> bool:
        return self._rng.random() < chance

    def _any(self, choices: Sequence[_T]) -> _T:
        return self._rng.choice(choices)
