# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines as YAML text: imports flattened, tasks in long form, nothing lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from pachon.pipe_base.pipeline.contents import ConfigBlock, Contract, PipelineContents, PipelineTaskEntry, Subset

__all__ = ["pipeline_document", "write_pipeline"]


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def write_pipeline(contents: PipelineContents) -> str:
    """Give the YAML text of a pipeline."""
    return yaml.dump(pipeline_document(contents), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def pipeline_document(contents: PipelineContents) -> dict[str, Any]:
    """Give a pipeline as plain data, with the keys of the YAML form."""
    document: dict[str, Any] = {"description": contents.description}
    if contents.instrument is not None:
        document["instrument"] = contents.instrument
    if contents.parameters:
        document["parameters"] = _plain(contents.parameters)
    document["tasks"] = {label: _task(task) for label, task in contents.tasks.items()}
    if contents.contracts:
        document["contracts"] = [_contract(c) for c in sorted(contents.contracts, key=lambda c: c.expression)]
    if contents.subsets:
        document["subsets"] = {name: _subset(subset) for name, subset in contents.subsets.items()}
    if contents.steps:
        document["steps"] = [{"label": step.label, "dimensions": list(step.dimensions)} for step in contents.steps]
    return document


def _task(task: PipelineTaskEntry) -> dict[str, Any]:
    document: dict[str, Any] = {"class": task.class_name}
    if task.config:
        document["config"] = [_block(block) for block in task.config]
    return document


def _block(block: ConfigBlock) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if block.files:
        document["file"] = list(block.files)
    if block.python is not None:
        document["python"] = block.python
    if block.data_id is not None:
        document["dataId"] = _plain(block.data_id)
    return {**document, **{name: _plain(override.value) for name, override in block.values.items()}}


def _contract(contract: Contract) -> Any:
    if not contract.message:
        return contract.expression
    return {"contract": contract.expression, "msg": contract.message}


def _subset(subset: Subset) -> dict[str, Any]:
    document: dict[str, Any] = {"subset": list(subset.labels)}
    return {**document, "description": subset.description} if subset.description else document


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value
