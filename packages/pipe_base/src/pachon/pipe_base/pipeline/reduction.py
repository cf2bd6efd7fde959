# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines with fewer tasks, or with other labels: pure functions of contents."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from types import MappingProxyType

from pachon.base import closest
from pachon.pipe_base.pipeline.contents import Contract, PipelineContents, Step, Subset, SubsetMode
from pachon.pipe_base.pipeline.errors import PipelineError, UnknownLabelError
from pachon.pipe_base.pipeline.expression import expression_names, rename_names

__all__ = ["check_contents", "labels_of", "reduce_contents", "rename_contents"]


def labels_of(contents: PipelineContents, name: str) -> tuple[str, ...]:
    """Give the labels that a label or the name of a subset stands for.

    Raises
    ------
    UnknownLabelError
        It is neither.
    """
    if name in contents.tasks:
        return (name,)
    if name in contents.subsets:
        return contents.subsets[name].labels
    known = [*contents.tasks, *contents.subsets]
    raise UnknownLabelError(name, "task or subset", closest(name, known))


def reduce_contents(
    contents: PipelineContents, keep: Collection[str], mode: SubsetMode = SubsetMode.DROP
) -> PipelineContents:
    """Give the pipeline with only some of its tasks.

    Parameters
    ----------
    contents
        The pipeline.
    keep
        Labels; others are ignored.
    mode
        What becomes of incomplete subsets: ``DROP`` removes them (and empty ones), ``EDIT`` takes the missing labels
        out. Steps without a subset, and contracts that name a removed task, are removed.
    """
    keep = set(keep)
    removed = contents.tasks.keys() - keep
    subsets = {name: _reduced(subset, keep, mode) for name, subset in contents.subsets.items()}
    kept = {name: subset for name, subset in subsets.items() if subset is not None}
    return dataclasses.replace(
        contents,
        tasks=MappingProxyType({label: task for label, task in contents.tasks.items() if label in keep}),
        subsets=MappingProxyType(kept),
        steps=tuple(step for step in contents.steps if step.label in kept or step.label not in contents.subsets),
        contracts=tuple(c for c in contents.contracts if removed.isdisjoint(expression_names(c.expression))),
    )


def _reduced(subset: Subset, keep: Collection[str], mode: SubsetMode) -> Subset | None:
    labels = tuple(label for label in subset.labels if label in keep)
    if mode is SubsetMode.DROP:
        return subset if labels and len(labels) == len(subset.labels) else None
    return dataclasses.replace(subset, labels=labels)


def rename_contents(contents: PipelineContents, renames: Mapping[str, str]) -> PipelineContents:
    """Give the pipeline with other labels, in subsets and contracts too.

    Raises
    ------
    UnknownLabelError
        There is no task of an old label.
    PipelineError
        A new label exists already.
    """
    for old, new in renames.items():
        if old not in contents.tasks:
            raise UnknownLabelError(old, "task", closest(old, contents.tasks))
        if (taken := contents.tasks.get(new) or contents.subsets.get(new)) is not None:
            raise PipelineError(f"{old!r} cannot be renamed to {new!r}, which exists already ({taken.place}).")
    tasks = {
        renames.get(label, label): dataclasses.replace(task, label=renames.get(label, label))
        for label, task in contents.tasks.items()
    }
    return dataclasses.replace(
        contents,
        tasks=MappingProxyType(tasks),
        subsets=MappingProxyType({name: _renamed_subset(s, renames) for name, s in contents.subsets.items()}),
        contracts=tuple(_renamed_contract(contract, renames) for contract in contents.contracts),
    )


def _renamed_subset(subset: Subset, renames: Mapping[str, str]) -> Subset:
    return dataclasses.replace(subset, labels=tuple(renames.get(label, label) for label in subset.labels))


def _renamed_contract(contract: Contract, renames: Mapping[str, str]) -> Contract:
    if set(renames).isdisjoint(expression_names(contract.expression)):
        return contract
    return dataclasses.replace(contract, expression=rename_names(contract.expression, renames))


def check_contents(contents: PipelineContents) -> None:
    """Check that subsets and steps fit the tasks.

    Raises
    ------
    PipelineError
        A subset has the name of a task or holds an unknown label, or a step has no subset.
    """
    for subset in contents.subsets.values():
        if subset.name in contents.tasks:
            task = contents.tasks[subset.name]
            raise PipelineError(
                f"{subset.place}: {subset.name!r} is the name of a task ({task.place}) and cannot name a subset too."
            )
        for label in subset.labels:
            if label not in contents.tasks:
                hint = closest(label, contents.tasks)
                raise PipelineError(
                    f"{subset.place}: subset {subset.name!r} holds {label!r}, which is no task of the pipeline.{hint}"
                )
    for step in contents.steps:
        _check_step(step, contents)


def _check_step(step: Step, contents: PipelineContents) -> None:
    if step.label not in contents.subsets:
        hint = closest(step.label, contents.subsets)
        raise PipelineError(f"{step.place}: step {step.label!r} is not the name of a subset.{hint}")
