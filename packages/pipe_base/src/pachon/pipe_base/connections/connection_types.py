# SPDX-License-Identifier: BSD-3-Clause
"""The five kinds of connections of a task.

::

    Connection
      InitInput, InitOutput           once per task
      DimensionedConnection           per quantum
        InputConnection
          Input                       a regular input
          PrerequisiteInput           exists before the graph is built
        Output
"""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from string import Formatter
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from pachon.base import closest
from pachon.pipe_base.connections.errors import ConnectionDefinitionError

__all__ = [
    "Connection",
    "DimensionedConnection",
    "InitInput",
    "InitOutput",
    "Input",
    "InputConnection",
    "Output",
    "PrerequisiteInput",
    "connection_problem",
    "dimensions_problem",
    "template_fields",
]


class _NamingMistakes(type):
    """Says which option of which connection is wrong, and in which class, where Python would name a constructor."""

    if not TYPE_CHECKING:  # type checkers look at the constructor

        def __call__(cls, *args, **options):
            if problem := _problem_of_call(cls, args, options):
                raise _located(sys._getframe(1), *problem)
            return super().__call__(**options)


def _problem_of_call(cls: Any, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[str, str] | None:
    """Say what is wrong with the options that a connection is made with, and what to write instead."""
    known = _option_names(cls)
    if args:
        return f"options are named, as in {cls.__name__}(name={args[0]!r}, ...)", ""
    if unknown := [name for name in options if name not in known]:
        listed = f" Its options are {', '.join(name for name in known if name != 'attribute')}."
        return f"{cls.__name__} has no option {unknown[0]!r}", closest(unknown[0], known) or listed
    if missing := [name for name in ("name", "storage_class") if name not in options]:
        return f"{cls.__name__} needs the option {missing[0]!r}", ""
    return None


@cache
def _option_names(cls: Any) -> tuple[str, ...]:
    return tuple(option.name for option in fields(cls))


def _located(frame: FrameType, problem: str, suggestion: str) -> ConnectionDefinitionError:
    """Make the error of a connection that the code of a frame is about to make."""
    code = frame.f_code
    return ConnectionDefinitionError(code.co_qualname, _name_to_be(frame), problem, suggestion, frame.f_lineno)


def _name_to_be(frame: FrameType) -> str | None:
    """Give the name that the value of the call which a frame is in will get; Python binds it only after the call.

    So it is read from the instruction that follows: of ``x = Input(...)`` in a class, or ``self.x = Input(...)`` in a method.
    """
    following = (step for step in dis.get_instructions(frame.f_code) if step.offset > frame.f_lasti)
    first, second = next(following, None), next(following, None)
    if first is not None and first.opname in ("STORE_NAME", "STORE_FAST"):
        return str(first.argval)
    if second is not None and second.opname == "STORE_ATTR":
        return str(second.argval)
    return None


@dataclass(frozen=True, kw_only=True)
class Connection(metaclass=_NamingMistakes):
    """What every connection has."""

    name: str
    """Name of the dataset type; may hold ``{template}``."""
    storage_class: str
    """Storage class that the task wants."""
    doc: str = ""
    deprecated: str | None = None
    """Why, and what to use instead; a warning is given when the name is configured."""
    multiple: bool = False
    """Whether the task gets (gives) a list."""
    attribute: str = field(default="", repr=False)
    """Name of the connection within its class; filled in by the class."""

    kind: ClassVar[str] = ""
    is_input: ClassVar[bool] = False
    is_init: ClassVar[bool] = False

    @property
    def dataset_type_name(self) -> str:
        """Name of the dataset type without component."""
        return self.name.partition(".")[0]

    @property
    def component(self) -> str | None:
        """Component of the dataset type, or `None`."""
        return self.name.partition(".")[2] or None

    # Connections are attributes of a class; on an instance of the class they are those with the names configured.
    def __set_name__(self, owner: type, name: str) -> None:
        if not self.attribute:
            object.__setattr__(self, "attribute", name)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.get_connection(self.attribute)


@dataclass(frozen=True, kw_only=True)
class InitInput(Connection):
    """Needed to construct the task."""

    kind: ClassVar[str] = "init_input"
    is_input: ClassVar[bool] = True
    is_init: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class InitOutput(Connection):
    """Made by the construction of the task: the attribute of that name of the task object."""

    kind: ClassVar[str] = "init_output"
    is_init: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class DimensionedConnection(Connection):
    """A connection whose datasets belong to quanta."""

    dimensions: tuple[str, ...] = ()
    """Names of the dimensions; ``skypix`` stands for the pixelization of the registered dataset type."""
    is_calibration: bool = False
    """Whether datasets may be found in CALIBRATION collections."""

    def __post_init__(self) -> None:
        given: Any = self.dimensions  # any sequence of names; a text is refused with the name of the connection
        if isinstance(given, Iterable) and not isinstance(given, str | tuple):
            object.__setattr__(self, "dimensions", tuple(given))


@dataclass(frozen=True, kw_only=True)
class InputConnection(DimensionedConnection):
    """What regular and prerequisite inputs share."""

    defer_load: bool = False
    """Whether the task gets a handle instead of the object."""
    minimum: int = 1
    """Least number of datasets that a quantum needs; 0 makes the input optional."""
    is_input: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Input(InputConnection):
    """A regular input: produced by another task of the pipeline, or existing."""

    defer_graph_constraint: bool = False
    """Do not let the existing datasets of this type limit the data IDs of the graph."""
    defer_binding: bool = False
    """Do not connect it automatically (so that a dataset type can be input and output)."""
    kind: ClassVar[str] = "input"


@dataclass(frozen=True, kw_only=True)
class PrerequisiteInput(InputConnection):
    """An input that exists before the graph is built and is looked up for each quantum."""

    lookup_function: Callable[..., Any] | None = None
    """``f(dataset_type, query, data_id, collections) -> refs`` in place of the default look-up."""
    kind: ClassVar[str] = "prerequisite_input"


@dataclass(frozen=True, kw_only=True)
class Output(DimensionedConnection):
    """A dataset that the task writes."""

    kind: ClassVar[str] = "output"


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")


def template_fields(name: str) -> tuple[str, ...]:
    """Give the names of the templates in the name of a dataset type."""
    return tuple(field for _, field, _, _ in Formatter().parse(name) if field is not None)


def connection_problem(connection: Connection) -> str:
    """Say what is wrong with the options of a connection, or give an empty text."""
    for option in ("name", "storage_class"):
        value = getattr(connection, option)
        if not isinstance(value, str) or not value:
            return f"{option} must be a text that is not empty, not {value!r}"
    try:
        plain = connection.name.format_map(_Placeholders())
    except (ValueError, LookupError, AttributeError) as error:
        return f"the name {connection.name!r} has a malformed template ({error})"
    if not _NAME.fullmatch(plain):
        return f"{connection.name!r} is not a legal dataset type name"
    if connection.component is not None and not connection.is_input:
        return f"{connection.name!r} names a component; only inputs may read components"
    for field_ in fields(connection):
        value = getattr(connection, field_.name)
        if field_.type == "bool" and not isinstance(value, bool):
            return f"{field_.name} must be True or False, not {value!r}"
        if field_.type == "str" and not isinstance(value, str):
            return f"{field_.name} must be a text, not {value!r}"
    if isinstance(connection, DimensionedConnection) and (problem := dimensions_problem(connection.dimensions)):
        return problem
    return _minimum_problem(connection) if isinstance(connection, InputConnection) else ""


def dimensions_problem(dimensions: Any) -> str:
    """Say what is wrong with names of dimensions, whatever the universe, or give an empty text."""
    if isinstance(dimensions, str):
        return f"dimensions must be a sequence of names, not the text {dimensions!r}; a comma is missing"
    if not isinstance(dimensions, Iterable):
        return f"dimensions must be names, not {dimensions!r}"
    wrong = [name for name in dimensions if not (isinstance(name, str) and name.isidentifier())]
    return f"{wrong[0]!r} cannot be the name of a dimension" if wrong else ""


def _minimum_problem(connection: InputConnection) -> str:
    minimum: Any = connection.minimum
    if type(minimum) is not int or minimum < 0:
        return f"minimum must be a whole number from 0 on, not {minimum!r}"
    if connection.minimum > 1 and not connection.multiple:
        return f"minimum={connection.minimum} needs multiple=True"
    lookup = getattr(connection, "lookup_function", None)
    if lookup is not None and not callable(lookup):
        return f"lookup_function must be callable, not {lookup!r}"
    return ""


class _Placeholders(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "x"
