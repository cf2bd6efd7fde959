# SPDX-License-Identifier: BSD-3-Clause
"""`PipelineTaskConnections`: what a task reads and writes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from pachon.base import ReadOnlyError, closest
from pachon.pipe_base.connections.connection_types import (
    Connection,
    InitInput,
    InitOutput,
    Input,
    InputConnection,
    Output,
    PrerequisiteInput,
    connection_problem,
    dimensions_problem,
    template_fields,
)
from pachon.pipe_base.connections.errors import ConnectionDefinitionError, MissingPrerequisiteError, ScalarError
from pachon.pipe_base.outcomes import NoWorkFound

__all__ = ["RESERVED_NAMES", "ConnectionMap", "PipelineTaskConnections"]

C_co = TypeVar("C_co", bound=Connection, covariant=True)
C = TypeVar("C", bound=Connection)

RESERVED_NAMES = frozenset(
    [
        "dimensions",
        "templates",
        "inputs",
        "prerequisite_inputs",
        "outputs",
        "init_inputs",
        "init_outputs",
        "all_connections",
        "deprecated_templates",
        "get_connection",
        "remove_connection",
        "adjust_quantum",
        "adjust_all_quanta",
        "spatial_bounds_connections",
        "temporal_bounds_connections",
        "config",
        "connections_class",
        "declared_connections",
        "keys",  # the datasets of a quantum are a mapping too
        "model_config",
    ]
)


class ConnectionMap(Mapping[str, C_co]):
    """Connections of one kind by name, in the order of their declaration; not to be changed directly."""

    def __init__(self, connections: Mapping[str, C_co]) -> None:
        self._connections = connections

    def __getitem__(self, name: str) -> C_co:
        return self._connections[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._connections)

    def __len__(self) -> int:
        return len(self._connections)

    def __repr__(self) -> str:
        return f"{{{', '.join(self._connections)}}}"

    def _refuse(self, *args: object) -> None:
        name = args[0] if args else "x"
        raise ReadOnlyError(
            f"Connections are not changed in these sets; in the constructor write 'del self.{name}' or "
            f"self.remove_connection({name!r}) to remove one, and 'self.{name} = Input(...)' to add one."
        )

    add = remove = discard = pop = clear = update = _refuse


class _ConnectionsMeta(type):
    """Freezes a connections object when its constructor is done."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        connections = super().__call__(*args, **kwargs)
        connections._finish()  # the metaclass is a part of the class
        return connections


class PipelineTaskConnections(metaclass=_ConnectionsMeta):
    """Declares the inputs and outputs of a task.

    ::

        class WarpConnections(
            PipelineTaskConnections, dimensions=("instrument", "visit"), templates={"coadd_name": "deep"}
        ):
            images = Input(name="pvi", storage_class="CCDData", dimensions=("instrument", "visit", "detector"))

    On an instance, the names are those that the configuration gives, with templates filled in. A constructor may
    add, replace or delete connections, depending on the (frozen) configuration::

        def __init__(self, *, config=None):
            super().__init__(config=config)
            if not config.do_dark:
                del self.dark

    Parameters
    ----------
    config
        The task's configuration; `None` gives the names as declared.

    Raises
    ------
    ConnectionDefinitionError
        At the definition of the class, or of the object, naming class and connection.
    """

    dimensions: tuple[str, ...] = ()
    """Dimensions of the quanta; a constructor may set it."""
    templates: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Defaults of the templates."""
    deprecated_templates: ClassVar[Mapping[str, str]] = MappingProxyType({})
    declared_connections: ClassVar[Mapping[str, Connection]] = MappingProxyType({})

    def __init_subclass__(
        cls,
        *,
        dimensions: Iterable[str] | None = None,
        templates: Mapping[str, str] | None = None,
        deprecated_templates: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        for option in kwargs:
            options = ("dimensions", "templates", "deprecated_templates")
            listed = closest(option, options) or f" Its options are {', '.join(options)}."
            raise ConnectionDefinitionError(cls.__name__, None, f"the class has no option {option!r}", listed)
        super().__init_subclass__()
        for name in RESERVED_NAMES:
            if isinstance(vars(cls).get(name), Connection):
                raise ConnectionDefinitionError(
                    cls.__name__, name, "a connection cannot have this name, which is reserved"
                )
        if dimensions is None:
            if cls.__mro__[1] is PipelineTaskConnections:
                raise ConnectionDefinitionError(
                    cls.__name__, None, 'no dimensions; write class ...(PipelineTaskConnections, dimensions=("visit",))'
                )
        else:
            cls.dimensions = _checked_dimensions(cls, dimensions)
        for given in (templates, deprecated_templates):
            if given is not None and not isinstance(given, Mapping):
                raise ConnectionDefinitionError(
                    cls.__name__, None, f"templates must be a mapping from names to texts, not {given!r}"
                )
        cls.templates = MappingProxyType({**cls.templates, **(templates or {})})
        cls.deprecated_templates = MappingProxyType({**cls.deprecated_templates, **(deprecated_templates or {})})
        cls.declared_connections = MappingProxyType(_collect(cls))
        _check_class(cls)

    def __init__(self, *, config: Any = None) -> None:
        # Not by attribute access: that would warn of deprecated ones which nobody uses.
        names = vars(config.connections) if hasattr(config, "connections") else {}
        templates = {name: str(names.get(name, default)) for name, default in self.templates.items()}
        self._frozen = False
        self._removed: set[str] = set()
        self._connections: dict[str, Connection] = {}
        self._names, self._templates = names, templates
        self.config = config
        for name, connection in self.declared_connections.items():
            self._connections[name] = self._resolved(name, connection)

    def _resolved(self, name: str, connection: Connection) -> Connection:
        text = str(self._names.get(name, connection.name))
        try:
            full_name = text.format(**self._templates)
        except (LookupError, ValueError, AttributeError) as error:
            hint = closest(str(error).strip("'\""), self._templates)
            raise ConnectionDefinitionError(
                type(self).__name__, name, f"the name {text!r} uses an unknown template", hint
            ) from error
        return dataclasses.replace(connection, name=full_name, attribute=name)

    def _finish(self) -> None:
        cls_name = type(self).__name__
        seen: dict[str, str] = {}
        for name, connection in self._connections.items():
            if problem := connection_problem(connection):
                raise ConnectionDefinitionError(cls_name, name, problem)
            if not connection.is_input:
                other = seen.setdefault(connection.name, name)
                if other != name:
                    raise ConnectionDefinitionError(
                        cls_name, name, f"dataset type {connection.name!r} is written by connection {other!r} too"
                    )
        self.dimensions = _checked_dimensions(type(self), self.dimensions)  # a constructor may have set anything
        self._frozen = True

    # -- changes in the constructor --------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_frozen", False):
            raise ReadOnlyError(f"{type(self).__name__}.{name} can be set in the constructor only.")
        if isinstance(value, Connection):
            if name in RESERVED_NAMES or name.startswith("_"):
                raise ConnectionDefinitionError(type(self).__name__, name, "this name is reserved")
            self._removed.discard(name)
            self._connections[name] = self._resolved(name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self.remove_connection(name)

    def remove_connection(self, name: str) -> None:
        """Remove a connection; possible in the constructor only.

        Raises
        ------
        ConnectionDefinitionError
            There is no such connection.
        ReadOnlyError
            The object is complete.
        """
        if self._frozen:
            raise ReadOnlyError(f"{type(self).__name__}.{name} can be removed in the constructor only.")
        if name not in self._connections:
            raise ConnectionDefinitionError(
                type(self).__name__,
                name,
                "there is no such connection",
                closest(name, self._connections),
            )
        del self._connections[name]
        self._removed.add(name)

    def __getattr__(self, name: str) -> Connection:
        # Connections that the class does not declare.
        if name.startswith("_"):
            raise AttributeError(name)
        return self.get_connection(name)

    # -- reading ---------------------------------------------------------------------------------------------------

    def get_connection(self, name: str) -> Connection:
        """Give a connection; an `AttributeError` says if it was removed."""
        try:
            return self._connections[name]
        except KeyError:
            if name in self._removed:
                raise AttributeError(f"{type(self).__name__}.{name} was removed by the configuration.") from None
            hint = closest(name, self._connections)
            raise AttributeError(f"{type(self).__name__} has no connection {name!r}.{hint}") from None

    @property
    def all_connections(self) -> ConnectionMap[Connection]:
        """All connections by name."""
        return ConnectionMap(self._connections)

    @property
    def inputs(self) -> ConnectionMap[Input]:
        """Regular inputs."""
        return self._of_kind(Input)

    @property
    def prerequisite_inputs(self) -> ConnectionMap[PrerequisiteInput]:
        """Prerequisite inputs."""
        return self._of_kind(PrerequisiteInput)

    @property
    def outputs(self) -> ConnectionMap[Output]:
        """Outputs, without those that the framework adds."""
        return self._of_kind(Output)

    @property
    def init_inputs(self) -> ConnectionMap[InitInput]:
        """Inputs of the task's construction."""
        return self._of_kind(InitInput)

    @property
    def init_outputs(self) -> ConnectionMap[InitOutput]:
        """Outputs of the task's construction."""
        return self._of_kind(InitOutput)

    def _of_kind(self, kind: type[C]) -> ConnectionMap[C]:
        return ConnectionMap({name: c for name, c in self._connections.items() if isinstance(c, kind)})

    # -- hooks -----------------------------------------------------------------------------------------------------

    def adjust_quantum(
        self,
        inputs: Mapping[str, tuple[InputConnection, Collection[Any]]],
        outputs: Mapping[str, tuple[Output, Collection[Any]]],
        label: str,
        data_id: Any,
    ) -> tuple[Mapping[str, tuple[InputConnection, Collection[Any]]], Mapping[str, tuple[Output, Collection[Any]]]]:
        """Check, and in overrides change, the datasets of one quantum.

        An override calls this one, with what it leaves of the datasets.

        Parameters
        ----------
        inputs, outputs
            Connection name -> connection and its dataset refs.
        label
            Of the task.
        data_id
            Of the quantum.

        Returns
        -------
        adjusted_inputs, adjusted_outputs
            The connections whose refs change; refs may be left out or reordered, never added. A quantum that loses all its
            outputs is dropped; one that would lose all its inputs and keep outputs is an error: raise `NoWorkFound`.

        Raises
        ------
        ScalarError
            Several refs for a connection that takes one.
        NoWorkFound
            Too few regular inputs: the quantum is dropped.
        MissingPrerequisiteError
            Too few prerequisites: the graph cannot be built.
        """
        for name, (connection, refs) in {**inputs, **outputs}.items():
            check_refs(name, connection, refs, label, data_id)
        return {}, {}

    def adjust_all_quanta(self, adjuster: Any) -> None:
        """Change the quanta of this task as a whole, before `adjust_quantum`; does nothing here."""

    def spatial_bounds_connections(self) -> tuple[str, ...]:
        """Names of connections whose regions, with the quantum's own, bound skypix prerequisite look-ups."""
        return ()

    def temporal_bounds_connections(self) -> tuple[str, ...]:
        """Names of connections whose timespans, with the quantum's own, bound calibration look-ups."""
        return ()


def check_refs(name: str, connection: Connection, refs: Collection[Any], label: str, data_id: Any) -> None:
    """Raise if a quantum has too many or too few datasets for a connection (see `adjust_quantum`)."""
    if len(refs) > 1 and not connection.multiple:
        raise ScalarError(label, name, connection.name, str(data_id), count=len(refs))
    if isinstance(connection, InputConnection) and len(refs) < connection.minimum:
        if isinstance(connection, PrerequisiteInput):
            raise MissingPrerequisiteError(
                label, name, connection.name, str(data_id), found=len(refs), minimum=connection.minimum
            )
        raise NoWorkFound(
            f"Task {label!r}, connection {name!r}: {len(refs)} datasets {connection.name!r} for {data_id}, "
            f"at least {connection.minimum} needed."
        )


def _checked_dimensions(cls: type[PipelineTaskConnections], given: Any) -> tuple[str, ...]:
    """Give the dimensions of a class, or of an object of it, if they can be names."""
    if isinstance(given, Iterable) and not isinstance(given, str):
        given = tuple(given)
    if problem := dimensions_problem(given):
        raise ConnectionDefinitionError(cls.__name__, None, problem)
    names: tuple[str, ...] = given
    return names


def _collect(cls: type[PipelineTaskConnections]) -> dict[str, Connection]:
    found: dict[str, Connection] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Connection):
                found[name] = value
            else:
                found.pop(name, None)  # a subclass may hide a connection: ``dark = None``
    return found


def _check_class(cls: type[PipelineTaskConnections]) -> None:
    for name, value in vars(cls).items():
        if isinstance(value, type) and issubclass(value, Connection):
            raise ConnectionDefinitionError(cls.__name__, name, f"this is a class; write {value.__name__}(name=...)")
    for template in cls.templates:
        if template in cls.declared_connections:
            raise ConnectionDefinitionError(cls.__name__, template, "a template has the same name")
        if not template.isidentifier() or template in RESERVED_NAMES:
            raise ConnectionDefinitionError(cls.__name__, None, f"{template!r} cannot be the name of a template")
    for name, connection in cls.declared_connections.items():
        if name.startswith("_"):
            raise ConnectionDefinitionError(cls.__name__, name, "names of connections cannot begin with an underscore")
        if problem := connection_problem(connection):
            raise ConnectionDefinitionError(cls.__name__, name, problem)
        for template in template_fields(connection.name):
            if template not in cls.templates:
                raise ConnectionDefinitionError(
                    cls.__name__,
                    name,
                    f"template {template!r} in {connection.name!r} has no default",
                    closest(template, cls.templates),
                )
