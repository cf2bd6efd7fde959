# SPDX-License-Identifier: BSD-3-Clause
"""From the entry of a task to its class and its frozen configuration."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from pachon.base import NotFoundError, PachonError
from pachon.pipe_base.config import ConfigError, ConfigOverrider, Source
from pachon.pipe_base.import_path import ImportPathError, import_object
from pachon.pipe_base.instrument import PipelineInstrument, override_files
from pachon.pipe_base.pipeline.contents import ConfigBlock, PipelineContents, PipelineTaskEntry
from pachon.pipe_base.pipeline.errors import ContractError, PipelineError, TaskConfigurationError, TaskImportError
from pachon.pipe_base.pipeline.expression import (
    ExpressionError,
    UncheckableError,
    evaluate,
    expression_names,
    named_values,
)
from pachon.pipe_base.pipeline.place import Place
from pachon.pipe_base.pipeline_task import PipelineTask
from pachon.pipe_base.pipeline_task_config import PipelineTaskConfig

__all__ = ["configure_task", "contract_errors", "import_task_class"]

_LOG = logging.getLogger(__name__)


def import_task_class(entry: PipelineTaskEntry) -> type[PipelineTask]:
    """Import the class of a task.

    Raises
    ------
    TaskImportError
        It cannot be imported, or is no pipeline task.
    """
    try:
        found = import_object(entry.class_name)
    except ImportPathError as error:
        raise TaskImportError(entry.label, entry.place, str(error)) from error
    if not (isinstance(found, type) and issubclass(found, PipelineTask)):
        raise TaskImportError(entry.label, entry.place, f"{entry.class_name!r} is not a PipelineTask.")
    config_class = getattr(found, "config_class", None)
    if not (isinstance(config_class, type) and issubclass(config_class, PipelineTaskConfig)):
        raise TaskImportError(entry.label, entry.place, f"{entry.class_name!r} has no 'config_class'.")
    return found


def configure_task(
    entry: PipelineTaskEntry,
    task_class: type[PipelineTask],
    *,
    parameters: Mapping[str, Any],
    instrument: PipelineInstrument | None = None,
) -> PipelineTaskConfig:
    """Make the frozen configuration of a task: defaults, then the instrument's overrides, then the blocks in order.

    Raises
    ------
    TaskConfigurationError
        Overrides cannot be applied, or the whole is not valid; label, file and line of each mistake are named.
    """
    reasons: list[str] = []
    cause: Exception | None = None
    try:
        config = task_class.config_class()
        if instrument is not None:
            for path in override_files(instrument, task_class.default_name):
                config.load(path)
        overrider = ConfigOverrider(config, parameters)
        for block in entry.config:
            for error in _apply_block(overrider, block):
                reasons.append(_reason(error))
                cause = cause or error
        if not reasons:  # else what is not valid may only follow from what could not be applied
            config.freeze()
    except Exception as error:  # whatever the hooks of the author raise
        raise TaskConfigurationError(entry.label, *reasons, _reason(error)) from error
    if reasons:
        raise TaskConfigurationError(entry.label, *reasons) from cause
    return config


def _reason(error: Exception) -> str:
    """Say why; our own errors are sentences, others need their class to be understood."""
    return str(error) if isinstance(error, PachonError | ValueError) else f"{type(error).__name__}: {error}"


def _apply_block(overrider: ConfigOverrider, block: ConfigBlock) -> Iterator[Exception]:
    """Apply all of a block that can be, and give what stood in the way of the rest."""
    if block.data_id is not None:
        raise ConfigError(f"{block.place}: overrides for some data IDs only ('dataId') are not possible.")
    for file in block.files:
        try:
            overrider.run_file(file)
        except NotFoundError as error:
            raise NotFoundError(f"{block.place}: {error}") from error
    if block.python is not None:
        overrider.run_python(block.python, block.place.file, block.python_line)
    for name, override in block.values.items():
        try:
            overrider.set_value(name, override.value, _source(override.place))
        except Exception as error:  # noqa: BLE001  # whatever the hooks of the author raise
            yield error


def _source(place: Place) -> Source:
    if place.line:
        return Source(text=".".join(place.keys), file=place.file, line=place.line)
    return Source(text=" ".join([place.file, *place.keys]).strip())


def contract_errors(contents: PipelineContents, configs: Mapping[str, Any]) -> Iterator[PipelineError]:
    """Evaluate all contracts over frozen configurations; give an error for each that does not hold.

    Parameters
    ----------
    contents
        The pipeline.
    configs
        Label -> configuration. Contracts that name a task without one are passed over.

    Yields
    ------
    ContractError
        A contract is broken; the values are named.
    PipelineError
        A contract is no legal expression, or names something that is no task.
    """
    missing = contents.tasks.keys() - configs.keys()
    for contract in contents.contracts:
        if not missing.isdisjoint(expression_names(contract.expression)):
            continue
        try:
            holds = evaluate(contract.expression, configs)
        except UncheckableError as error:
            _LOG.info(
                "%s: the contract %r is not checked: %s is not known.", contract.place, contract.expression, error
            )
            continue
        except ExpressionError as error:
            reason = str(error)
            yield PipelineError(
                f"{contract.place}: the contract {contract.expression!r} cannot be checked: {reason}"
                f"{'' if reason.endswith(('.', '?')) else '.'}"
            )
            continue
        if not holds:
            values = named_values(contract.expression, configs)
            yield ContractError(contract.expression, contract.message, values, contract.place)
