# SPDX-License-Identifier: BSD-3-Clause
"""Applying overrides to the configuration of one task, in the order in which they were written."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from pachon.base import closest
from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.errors import ConfigError, shortened
from pachon.pipe_base.config.history import Source, plain_value
from pachon.pipe_base.config.node import ConfigNode
from pachon.pipe_base.config.override_code import compile_override, loading, read_override, run_override
from pachon.pipe_base.config.values import convert_value, field_annotation

__all__ = ["ConfigOverrider", "Parameters", "get_by_name", "set_by_name"]

_LOG = logging.getLogger(__name__)

_PREFIX = "parameters."


class Parameters:
    """Read-only view of the parameters of a pipeline, for override code: ``parameters.name``."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self)["_values"] = dict(values)

    def __getattr__(self, name: str) -> Any:
        values: dict[str, Any] = vars(self).get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"The pipeline has no parameter {name!r}.{closest(name, values)}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("Parameters are read-only.")

    def __dir__(self) -> list[str]:
        return sorted(vars(self)["_values"])


def get_by_name(config: Any, name: str) -> Any:
    """Give what a dotted name stands for.

    Raises
    ------
    ConfigError
        A part of the name leads nowhere.
    """
    found, path = config, ""
    for part in name.split(".") if name else ():
        _check_holder(found, path, part)
        found = getattr(found, part)
        path = f"{path}.{part}" if path else part
    return found


def set_by_name(config: Any, name: str, value: Any, source: Source) -> None:
    """Set the field of a dotted name; the value is taken as it is.

    Raises
    ------
    ConfigError
        A part of the name leads nowhere, or the value does not fit.
    """
    parent_name, _, field = name.rpartition(".")
    parent = get_by_name(config, parent_name)
    _check_holder(parent, parent_name, field)
    # A Configurable hands this on to the configuration of its target.
    set_field = getattr(parent, "set_field", None)
    if set_field is not None:
        set_field(field, value, source)
    else:
        setattr(parent, field, value)


def _check_holder(holder: Any, path: str, name: str) -> None:
    """Raise unless something can have attributes that a dotted name means."""
    if isinstance(holder, list | dict | set):
        raise ConfigError(
            f"{path!r} holds {shortened(plain_value(holder))}; a dotted name cannot reach its item {name!r}: set the "
            "whole, or use a 'python' block."
        )
    if not isinstance(holder, ConfigNode) and not hasattr(holder, name):
        raise ConfigError(f"{path!r} is {shortened(plain_value(holder))} and has no {name!r}.")


class ConfigOverrider:
    """Applies overrides to one configuration.

    Names that a ``python`` block makes stay in scope for later blocks and values of the same task.

    Parameters
    ----------
    config
        The configuration, not frozen.
    parameters
        Parameters of the pipeline.
    """

    def __init__(self, config: Config, parameters: Mapping[str, Any] | None = None) -> None:
        self.config = config
        self._parameters = dict(parameters or {})
        module = sys.modules.get(type(config).__module__)
        self._scope: dict[str, Any] = {k: v for k, v in vars(module).items() if not k.startswith("_")} if module else {}
        self._scope.update(config=config, parameters=Parameters(self._parameters))

    def set_value(self, name: str, value: Any, source: Source) -> None:
        """Set a field by its dotted name, with a value from a YAML file or the command line.

        Raises
        ------
        ConfigError
            There is no such field, or the value does not fit it; the place of the override is named.
        """
        if isinstance(value, str) and value.startswith(_PREFIX):
            parameter = value.removeprefix(_PREFIX)
            if parameter in self._parameters:
                value = self._parameters[parameter]
            else:
                hint = closest(parameter, self._parameters)
                _LOG.warning(
                    "%s: the pipeline has no parameter %r; %r is taken as it is.%s", source, parameter, value, hint
                )
        try:
            parent_name, _, field = name.rpartition(".")
            annotation = field_annotation(get_by_name(self.config, parent_name), field)
            set_by_name(self.config, name, convert_value(value, annotation, self._scope), source)
        except (ConfigError, AttributeError) as error:
            raise ConfigError(f"{source}: cannot set {name!r}: {error}") from error

    def run_python(self, code: str, file: str, first_line: int = 1) -> None:
        """Run a ``python`` block; errors and history name the lines of the file that holds it."""
        run_override(compile_override(code, file, first_line), self._scope)

    def run_file(self, uri: str) -> None:
        """Run an override file; ``$VAR`` is expanded and any URI scheme may be used."""
        name = os.path.expandvars(uri)
        scope = {
            "config": self.config,
            "parameters": self._scope["parameters"],
            "__file__": name,
            "__name__": "__override__",
        }
        code = compile_override(read_override(uri), name)
        with nullcontext() if "://" in name else loading(name):
            run_override(code, scope)
