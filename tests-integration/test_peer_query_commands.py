# SPDX-License-Identifier: BSD-3-Clause
"""The query commands list what those of LSST's packages list: globs, collections, conditions, orders and limits at random.

Where LSST's packages are is said in `test_peer_queries`; ``PACHON_TEST_VOLUME=5`` asks five times as many questions, and new ones.
``docs/query-language.md`` lists the differences that are meant.
"""

import fnmatch
import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from peer_asking import PEER, ask_peer

from pachon.butler import Butler
from pachon.butler.commands.query_collections import query_collections
from pachon.butler.commands.query_data_ids import query_data_ids
from pachon.butler.commands.query_dataset_types import query_dataset_types
from pachon.butler.commands.query_datasets import query_datasets
from pachon.butler.commands.query_dimension_records import query_dimension_records
from pachon.dimensions import DimensionUniverse
from pachon.dimensions.testing.volume import VARIABLE
from pachon.registry.testing.postgresql import postgres_server, postgres_url
from pachon.registry.testing.random_world import World, random_world

__all__ = ["postgres_server", "postgres_url"]

TOP = Path(__file__).resolve().parents[1]
SCRIPT = TOP / "tools" / "peer_query_commands.py"
QUESTIONS = 100
VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
TYPES = {
    "raw": ["exposure", "detector"],
    "src": ["visit", "detector"],
    "coadd": ["patch", "band"],
    "note": ["instrument"],
    "c_bias": ["detector"],
    "c_flat": ["detector", "physical_filter"],
}
COMMANDS = {
    "datasets": query_datasets,
    "records": query_dimension_records,
    "data_ids": query_data_ids,
    "collections": query_collections,
    "types": query_dataset_types,
}
FORMS = ("table", "inverse-table", "tree", "inverse-tree", "flatten", "no-children")
_UNIVERSE = DimensionUniverse.default()
ELEMENTS = ("exposure", "visit", "detector", "physical_filter", "day_obs", "patch", "tract", "band", "group")
SORTED_BY = {
    "exposure": ("exposure.exposure_time", "exposure.target_name", "timespan.begin", "timespan.end", "exposure.seq_num"),
    "visit": ("visit.timespan.begin", "visit.timespan.end", "visit.zenith_angle", "visit.name"),
    "detector": ("detector.full_name", "detector.purpose", "detector.raft"),
    "physical_filter": ("band",),
    "patch": ("patch.cell_x", "patch.cell_y", "tract"),
}  # fmt: skip
"""What is sorted by, ties and nulls included; the required dimensions may follow."""
_NULLABLE = frozenset(
    {
        field
        for name, fields in SORTED_BY.items()
        for field in fields
        if "timespan" in field or any(c.nullable and field == f"{name}.{c.name}" for c in _UNIVERSE[name].columns)
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call of a query command."""

    kind: str
    names: tuple[str, ...]
    """Globs of dataset types or collections, an element, or dimensions."""
    datasets: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    where: str = ""
    order_by: tuple[str, ...] = ()
    limit: int = 0
    find_first: bool = False
    types: tuple[str, ...] = ()
    """Of collections."""
    chains: str = ""
    """How they are shown."""
    verbose: bool = False
    """Whether collections are listed with what they hold, dataset types with what they are."""

    def arguments(self, root: Path) -> list[str]:
        """Give the command line."""
        line = [str(root), *self.names]
        for option, values in (("--datasets", self.datasets), ("--collections", self.collections)):
            line += [part for value in values for part in (option, value)]
        # A name after a minus is no option.
        line += [f"--order-by={','.join(self.order_by)}"] if self.order_by else []
        line += ["--where", self.where] if self.where else []
        line += ["--limit", str(self.limit)] if self.limit else []
        line += [part for name in self.types for part in ("--collection-type", name.lower())]
        line += ["--chains", self.chains] if self.chains else []
        if self.verbose:
            line += ["--show-dataset-types", "--exclude-dataset-types", "c_f*"] if self.chains else ["--verbose"]
        return [*line, *(["--find-first"] if self.find_first else []), "--json"]


class Asker:
    """Makes questions about a repository."""

    def __init__(self, rng: random.Random, world: World) -> None:
        self._rng, self._world = rng, world

    def question(self) -> Question:
        kind = self._any(["datasets"] * 6 + ["records"] * 3 + ["data_ids"] * 3 + ["collections", "types"])
        if kind == "datasets":
            return self._datasets()
        if kind == "collections":
            return Question(
                kind=kind,
                names=self._collections(),
                types=tuple(self._rng.sample(["RUN", "TAGGED", "CHAINED", "CALIBRATION"], self._any([0, 0, 1, 2]))),
                chains=self._any(FORMS),
                verbose=self._often(0.5),
            )
        if kind == "types":
            within = self._collections() if self._often(0.5) else ()
            names = tuple(name for _ in range(self._any([1, 1, 2])) for name in self._globs(list(TYPES)))
            return Question(kind=kind, names=names, collections=within, verbose=self._often(0.5))
        names = (self._any(ELEMENTS),)
        if kind == "data_ids":
            names = tuple(self._rng.sample(ELEMENTS, self._any([1, 1, 2])))
        datasets = self._globs(list(TYPES)) if self._often(0.5) else ()
        if kind == "data_ids" and self._often(0.15):
            # Then the dimensions that all of the dataset types have.
            datasets = tuple(self._rng.sample(list(TYPES), self._any([1, 2])))
            return Question(kind=kind, names=(), datasets=datasets, collections=self._collections())
        universe = self._world.universe
        required = [n for name in names for n in (universe[name].required if name in universe.elements else ())]
        order = self._order(names, list(dict.fromkeys(required))) if self._often(0.5) else ()
        if kind == "data_ids":
            # The spans of days and of exposures could be meant; there that is looked at only if datasets can be found.
            order = tuple(field for field in order if not field.lstrip("-").startswith("timespan"))
        return Question(
            kind=kind,
            names=names,
            datasets=datasets,
            collections=self._collections() if datasets else (),
            where=self._where(names),
            order_by=order,
            limit=self._any([0, 0, 1, 3, 5, -2]) if order or self._often(0.2) else 0,
        )

    def _datasets(self) -> Question:
        names = self._globs(list(TYPES))
        single = names[0] if len(names) == 1 and names[0] in TYPES else None
        order: tuple[str, ...] = ()
        if single is not None and self._often(0.6):
            group = self._world.universe.conform(TYPES[single])
            order = self._order(tuple(group.names), list(group.required))
        collections = self._collections()
        return Question(
            kind="datasets",
            names=names,
            collections=collections,
            find_first=self._often(0.5) and not any(set(name) & set("*?[") for name in collections),
            where=self._where(self._world.universe.conform(TYPES[single]).names if single else ("instrument",)),
            order_by=order,
            limit=self._any([0, 2, 4, -3]) if order or (single and self._often(0.2)) else 0,
        )

    def _order(self, names: Sequence[str], required: list[str]) -> tuple[str, ...]:
        known = [field for name in names for field in SORTED_BY.get(name, ()) if self._means_one(field, names)]
        chosen = self._rng.sample(known, min(len(known), self._any([0, 1, 2])))
        chosen += [name for name in required if name not in chosen] if self._often(0.6) or not chosen else []
        return tuple(self._any(["", "-"]) + field for field in chosen)

    def _means_one(self, field: str, names: Sequence[str]) -> bool:
        return not field.startswith("timespan") or len(names) == 1

    def _where(self, names: Sequence[str]) -> str:
        instrument, sky = self._world.records["instrument"], self._world.records["skymap"]
        terms = [f"instrument = '{self._any(instrument)['name']}'"] if self._often(0.8) else []
        if set(names) & {"patch", "tract", "skymap"} and self._often(0.8):
            terms.append(f"skymap = '{self._any(sky)['name']}'")
        more = {
            "exposure": ["exposure IN (1..9:2)", "exposure.exposure_time > 0", "exposure > 1 OR exposure.seq_num < 2",
                         "exposure.timespan OVERLAPS (T'2021-09-01T10:00:00', T'2021-09-02T10:00:00')"],
            "visit": ["visit.name GLOB 'k*'", "visit < 5", "visit.timespan.begin > T'2021-09-01T20:00:00'"],
            "detector": ["detector != 1", "detector IN (1, 4)", "NOT detector.purpose = 'a'"],
            "patch": ["patch.cell_x > 0", "patch IN (1, 7)"],
            "band": ["band IN ('g', 'r')"],
        }  # fmt: skip
        for name in names:
            if self._often(0.4) and name in more:
                terms.append(f"({self._any(more[name])})")
        return " AND ".join(terms)

    def _collections(self) -> tuple[str, ...]:
        return tuple(
            self._any(["run0", "run?", "*", "chain0", "chain1", "tag", "calib*", "run[01]", "chain*", "run2", "calib0"])
            for _ in range(self._any([1, 1, 2, 3]))
        )

    def _globs(self, names: Sequence[str]) -> tuple[str, ...]:
        name = self._any(names)
        return (self._any([name, name, name, f"{name[:2]}*", "*", f"*{name[-1]}", f"{name[0]}?{name[2:]}"]),)

    def _often(self, chance: float) -> bool:
        return self._rng.random() < chance

    def _any(self, choices: Any) -> Any:
        return self._rng.choice(list(choices))


@pytest.mark.skipif(not PEER.exists(), reason="LSST's packages are not installed: there is no .environments/peer")
@pytest.mark.filterwarnings("ignore:There are more than")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_equal_lists(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    repositories, ours = [], []
    for number in range(max(1, round(VOLUME))):
        rng = random.Random(f"{database} {number} {os.urandom(8).hex() if VOLUME else 3}")
        world = random_world(rng, _UNIVERSE, TYPES)
        asker = Asker(rng, world)
        questions = [asker.question() for _ in range(QUESTIONS)]
        url = request.getfixturevalue("postgres_server").new_url() if database == "postgresql" else None
        root = tmp_path / f"repo{number}"
        with Butler.create(str(root), database=url) as butler:
            world.fill(butler._session.registry)  # type: ignore[arg-type]  # it is the one of SQL
        ours.append([_ask(root, question) for question in questions])
        repositories.append((world, questions))
    theirs = _ask_peer(repositories, tmp_path)
    outcomes: Counter[str] = Counter()
    failures = []
    for (world, questions), own_answers, peer_answers in zip(repositories, ours, theirs, strict=True):
        for question, own, peer in zip(questions, own_answers, peer_answers, strict=True):
            outcome = _compare(world, question, own, peer)
            outcomes[outcome] += 1
            if outcome.startswith("differ"):
                failures.append(f"{outcome}\n{question}\nhere: {str(own)[:700]}\nthere: {str(peer)[:700]}")
    print(f"{database}: {dict(outcomes)}")
    assert not failures, f"{len(failures)} differ\n\n" + "\n\n".join(failures[:12])
    assert outcomes["rows"] > sum(outcomes.values()) / 5


def _ask(root: Path, question: Question) -> dict[str, Any]:
    done = CliRunner().invoke(COMMANDS[question.kind], question.arguments(root))
    if done.exit_code:
        return {"error": type(done.exception).__name__, "message": f"{done.exception} {done.stderr}"[:400]}
    return {"rows": json.loads(done.stdout)}


def _compare(world: World, question: Question, own: dict[str, Any], peer: dict[str, Any]) -> str:
    if "error" in peer:
        return "refused by both" if "error" in own else "answered here only"
    expected = [dict(zip(names, row, strict=True)) for names, rows in peer["tables"] for row in rows]
    if "error" in own:
        # There an expression is not looked at if no collection has held a dataset of these types.
        unread = question.datasets and not peer["tables"] and own["error"] in ("QueryGovernorError", "QueryNameError")
        return "not looked at there" if unread else "differ: refused here"
    if question.kind in ("collections", "types"):
        return _compare_names(question, own["rows"], expected)
    if question.kind == "data_ids" and not question.names:
        if not own["rows"] and not set(question.datasets) <= _held(world, question.collections):
            # There types of which the collections never held any are left out, of conditions as of dimensions.
            return "held only in part"
        same = sorted(_texts(own["rows"])) == sorted(_texts(expected))
        return ("rows" if expected else "no rows") if same else "differ in data IDs"
    keys = _keys(world, question)
    found = [tuple(str(row[key]) for key in keys) for row in own["rows"]]
    wanted = [tuple(row[key] for key in keys) for row in expected]
    # There a dataset that is found in several ways takes several places of a limit, and is shown once all the same.
    repeats = bool(question.limit) and question.kind == "datasets" and not question.find_first
    if len(found) != len(wanted) and not (repeats and len(wanted) < len(found) <= abs(question.limit)):
        return "differ in number"
    if not question.limit and sorted(found) != sorted(wanted):
        return "differ in rows"
    if _is_certain(world, question):
        # Several datasets of a data ID have no certain order, also where a limit cuts between them.
        columns = _required(world, question) if question.kind == "datasets" else keys
        here = list(dict.fromkeys(tuple(str(row[name]) for name in columns) for row in own["rows"]))
        there = list(dict.fromkeys(tuple(row[name] for name in columns) for row in expected))
        if here[: len(there)] != there:
            return "differ in order"
    return "rows" if wanted else "no rows"


def _compare_names(question: Question, own: list[dict[str, Any]], peer: list[dict[str, Any]]) -> str:
    """Say how two lists of collections or dataset types agree."""
    if question.kind == "types":
        # What several patterns match is repeated there.
        told = [{name: value for name, value in row.items() if name != "is_calibration"} for row in own]  # only here
        here, there = sorted(_texts(told)), sorted(dict.fromkeys(_texts(peer)))
        return "names" if here == there else "differ in dataset types"
    wanted: list[dict[str, Any]] = []
    for row in peer:
        # All but the first of several values stand in lines of their own.
        if row["Name"]:
            row["Level"] = (len(row["Name"]) - len(row["Name"].lstrip())) // 2
            wanted.append(
                {name: [v] if name in _LISTS and v else [] if name in _LISTS else v for name, v in row.items()}
            )
        else:
            for name in _LISTS & row.keys():
                wanted[-1][name] += [row[name]] if row[name] else []
    if question.chains in ("no-children", "flatten") and any(set(name) & set("*?[") for name in question.names):
        # What patterns match has no certain order there.
        own, wanted = (sorted(rows, key=lambda row: str(row["Name"])) for rows in (own, wanted))
    trees = question.chains in ("tree", "inverse-tree")
    for here, there in zip(own, wanted, strict=False):
        names = [here["Name"], here["Type"], here.get("Level", 0) if trees else 0]
        names += [here.get(name, []) for name in ("Children", "Parents")]
        other = [there["Name"].strip(), there["Type"], there["Level"]]
        other += [there.get(name, []) for name in ("Children", "Parents")]
        if names != other:
            return "differ in collections"
        # There a chain may be shown with what another one holds, and with its parents a collection with what they hold.
        unclear = here["Type"] == "CHAINED" or question.chains == "inverse-table"
        if not unclear and here.get("Dataset Types", []) != there.get("Dataset Types", []):
            return "differ in what collections hold"
    return "names" if len(own) == len(wanted) else "differ in number"


_LISTS = {"Children", "Parents", "Dataset Types"}


def _held(world: World, patterns: Sequence[str]) -> set[str]:
    """Give the dataset types of which collections hold any."""
    matched = [name for name in world.collections if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    searched = set(world.flattened(matched))
    placed = {p.dataset.dataset_type for p in world.placements if p.collection in searched}
    return placed | {d.dataset_type for d in world.datasets if d.run in searched}


def _texts(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [json.dumps({name: str(value) for name, value in sorted(row.items())}) for row in rows]


def _is_certain(world: World, question: Question) -> bool:
    """Tell whether the order leaves no choice between data IDs; where nulls come, differs on purpose."""
    names = {field.lstrip("-") for field in question.order_by}
    return bool(names) and names >= set(_required(world, question)) and not names & _NULLABLE


def _required(world: World, question: Question) -> Sequence[str]:
    names = TYPES[question.names[0]] if question.kind == "datasets" else question.names
    return tuple(world.universe.conform(names).required)


def _keys(world: World, question: Question) -> list[str]:
    """Give the columns that tell rows apart, as both name them."""
    if question.kind == "datasets":
        return ["type", "run", "id"]
    if question.kind == "data_ids":
        return list(_required(world, question))
    element = world.universe[question.names[0]]
    return [element.key_name(name) for name in element.required]


def _ask_peer(repositories: Sequence[tuple[World, Sequence[Question]]], folder: Path) -> list[list[dict[str, Any]]]:
    document = [
        {"world": w.document(), "questions": [asdict(question) for question in questions]}
        for w, questions in repositories
    ]
    answers: list[list[dict[str, Any]]] = ask_peer(SCRIPT, document, folder)
    return answers
