# SPDX-License-Identifier: BSD-3-Clause
"""`PipelineTaskConfig`: the configuration of a pipeline task, with the names of its connections."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, create_model

from pachon.pipe_base.config import Config
from pachon.pipe_base.config.config import Config as _Config
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
    cls = create_model(
        f"{connections.__name__}Config", __base__=ConnectionsConfig, __module__=connections.__module__, **fields
    )
    cls.connections_class = connections
    _classes[connections] = cls
    return cls


def _number_to_text(value: object) -> object:
    return str(value) if type(value) in (int, float) else value


class _PipelineTaskConfigMeta(type(_Config)):  # type: ignore[misc]  # the metaclass of pydantic's models
    """Adds the field ``connections`` of the right class."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> Any:
        connections = kwargs.get("connections")
        if connections is not None:
            if not (isinstance(connections, type) and issubclass(connections, PipelineTaskConnections)):
                raise ConnectionDefinitionError(
                    name, None, f"connections= must be a subclass of PipelineTaskConnections, not {connections!r}"
                )
            if "connections" in namespace.get("__annotations__", {}):
                raise ConnectionDefinitionError(name, None, "a field cannot be called 'connections'")
            section = connections_config_class(connections)
            annotations = {"connections": section, **namespace.get("__annotations__", {})}
            namespace = {
                **namespace,
                "__annotations__": annotations,
                "connections": Field(default_factory=section, description="Names of dataset types and templates."),
            }
        return super().__new__(mcs, name, bases, namespace, **kwargs)


class PipelineTaskConfig(Config, metaclass=_PipelineTaskConfigMeta):
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
        super().__init_subclass__(**kwargs)
        if connections is not None:
            cls.connections_class = connections
        elif not hasattr(cls, "connections_class"):
            raise ConnectionDefinitionError(
                cls.__name__, None, "no connections; write class ...(PipelineTaskConfig, connections=MyConnections)"
            )
