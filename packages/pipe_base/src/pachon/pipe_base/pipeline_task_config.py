# SPDX-License-Identifier: BSD-3-Clause
"""`PipelineTaskConfig`: the configuration of a pipeline task, with the names of its connections."""

from __future__ import annotations

import warnings
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, create_model

from pachon.pipe_base.config import Config
from pachon.pipe_base.connections import ConnectionDefinitionError, PipelineTaskConnections

__all__ = ["ConnectionsConfig", "PipelineTaskConfig"]


class ConnectionsConfig(Config):
    """Names of the connections' dataset types, and the templates in them."""

    connections_class: ClassVar[type[PipelineTaskConnections] | None] = None

    def __reduce__(self) -> tuple[Any, ...]:
        # The class is made on the fly and has no import path.
        return _rebuild, (type(self).connections_class, self.__getstate__())


def _rebuild(connections_class: type[PipelineTaskConnections] | None, state: dict[Any, Any]) -> ConnectionsConfig:
    cls = ConnectionsConfig if connections_class is None else connections_config_class(connections_class)
    config = cls.__new__(cls)
    config.__setstate__(state)
    return config


_classes: dict[type[PipelineTaskConnections], type[ConnectionsConfig]] = {}


def connections_config_class(connections: type[PipelineTaskConnections]) -> type[ConnectionsConfig]:
    """Make the configuration class of a connections class: one text per connection and per template."""
    if connections in _classes:
        return _classes[connections]
    fields: dict[str, Any] = {}
    for name, connection in connections.declared_connections.items():
        doc = connection.doc or f"Name of the dataset type of connection {name!r}."
        fields[name] = (
            str,
            Field(default=connection.name, description=doc, deprecated=connection.deprecated or None),
        )
    for name, default in connections.templates.items():
        fields[name] = (
            Annotated[str, BeforeValidator(_number_to_text)],
            Field(
                default=str(default),
                description=f"Template {{{name}}} in names of dataset types.",
                deprecated=connections.deprecated_templates.get(name),
            ),
        )
    with warnings.catch_warnings():
        # A connection may be called like a method of pydantic's that is on its way out: copy, json, schema.
        warnings.filterwarnings("ignore", message="Field name .* shadows an attribute")
        cls = create_model(
            f"{connections.__name__}Config", __base__=ConnectionsConfig, __module__=connections.__module__, **fields
        )
    cls.connections_class = connections
    _classes[connections] = cls
    return cls


def _number_to_text(value: object) -> object:
    return str(value) if type(value) in (int, float) else value


class PipelineTaskConfig(Config):
    """Configuration of a pipeline task.

    ::

        class WarpConfig(PipelineTaskConfig, connections=WarpConnections):
            kernel: Literal["bilinear", "lanczos3"] = "lanczos3"
            '''Resampling kernel.'''
    """

    connections_class: ClassVar[type[PipelineTaskConnections]]

    connections: Any = Field(default_factory=ConnectionsConfig)
    """Names of dataset types and templates."""
    saveLogOutput: bool = True  # noqa: N815  # pipelines and override files use this name
    """Whether the log of each quantum is kept as a dataset."""

    def __init_subclass__(cls, *, connections: type[PipelineTaskConnections] | None = None, **kwargs: Any) -> None:
        if unknown := [name for name in kwargs if name not in ConfigDict.__annotations__]:
            raise ConnectionDefinitionError(
                cls.__name__, None, f"the class has no option {unknown[0]!r}; write connections=MyConnections"
            )
        super().__init_subclass__(**kwargs)
        if connections is None:
            if not hasattr(cls, "connections_class"):
                raise ConnectionDefinitionError(
                    cls.__name__, None, "no connections; write class ...(PipelineTaskConfig, connections=MyConnections)"
                )
            return
        given: Any = connections
        if not (isinstance(given, type) and issubclass(given, PipelineTaskConnections)):
            raise ConnectionDefinitionError(
                cls.__name__, None, f"connections= must be a subclass of PipelineTaskConnections, not {given!r}"
            )
        if "connections" in cls.__annotations__:
            raise ConnectionDefinitionError(cls.__name__, None, "a field cannot be called 'connections'")
        cls.connections_class = connections
        section = connections_config_class(connections)
        # This runs before pydantic collects the fields of the class.
        cls.__annotations__ = {"connections": section, **cls.__annotations__}
        cls.connections = Field(default_factory=section, description="Names of dataset types and templates.")
