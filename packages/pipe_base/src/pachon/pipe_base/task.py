# SPDX-License-Identifier: BSD-3-Clause
"""`Task`: configured work with a logger, metadata and subtasks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from pachon.base import InvalidInputError
from pachon.pipe_base.config import Config, Configurable, RegistryChoice, RegistryChoices
from pachon.pipe_base.task_metadata import TaskMetadata
from pachon.pipe_base.timing import timed_block

__all__ = ["Task"]


class Task:
    """Work that is configured and can be a part of other work.

    Parameters
    ----------
    config
        An instance of ``config_class``; `None` gives the defaults. It is frozen.
    name
        Name of the task, in a pipeline the label. Default: ``default_name`` for a task of its own.
    parent
        The task that this one is a subtask of.
    log
        Logger; default is made from the names.
    """

    config_class: ClassVar[type[Config]] = Config
    default_name: ClassVar[str] = ""
    """Names the instrument's override files; in lower case with underscores."""

    config: Any
    name: str
    full_name: str
    """Names of all tasks from the top to this one, joined by dots."""
    metadata: TaskMetadata
    log: logging.Logger

    def __init__(
        self,
        *,
        config: Config | None = None,
        name: str | None = None,
        parent: Task | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        cls = type(self)
        self.config = cls.config_class() if config is None else config
        if not isinstance(self.config, cls.config_class):
            raise InvalidInputError(
                f"{cls.__name__} takes a {cls.config_class.__name__}, not a {type(self.config).__name__}."
            )
        if not self.config.is_frozen:
            self.config.freeze()
        self.name = name or cls.default_name
        if not self.name:
            raise InvalidInputError(f"{cls.__name__} has no default_name and was given no name.")
        self.full_name = self.name if parent is None else f"{parent.full_name}.{self.name}"
        self.metadata = TaskMetadata()
        self._subtasks: dict[str, Task] = {}
        if log is not None:
            self.log = log
        elif parent is not None:
            self.log = parent.log.getChild(self.name)
        else:
            self.log = logging.getLogger(f"{cls.__module__.partition('.')[0]}.{self.name}")

    def make_subtask(self, name: str, **arguments: Any) -> None:
        """Create the subtask that the configurable field of this name holds, as attribute ``name``.

        Parameters
        ----------
        name
            Name of the field.
        **arguments
            Further arguments of the subtask's constructor.
        """
        field = getattr(self.config, name)
        if isinstance(field, RegistryChoices):
            tasks = {
                entry: field.registry[entry](config=field[entry], name=f"{name}.{entry}", parent=self, **arguments)
                for entry in field.names
            }
            self._subtasks.update((task.name, task) for task in tasks.values())
            setattr(self, name, tasks)
            return
        if not isinstance(field, Configurable | RegistryChoice):
            raise InvalidInputError(
                f"Field {name!r} of {type(self.config).__name__} holds no subtask; declare it with configurable_field."
            )
        task = field.apply(name=name, parent=self, **arguments)
        self._subtasks[name] = task
        setattr(self, name, task)

    def iter_tasks(self) -> Iterator[Task]:
        """Give this task and all subtasks."""
        yield self
        for subtask in self._subtasks.values():
            if isinstance(subtask, Task):
                yield from subtask.iter_tasks()

    def full_metadata(self) -> TaskMetadata:
        """Give the metadata of the whole hierarchy, by full name with ``:`` for dots."""
        found = TaskMetadata()
        for task in self.iter_tasks():
            found.metadata[task.full_name.replace(".", ":")] = task.metadata
        return found

    def empty_metadata(self) -> None:
        """Forget the metadata of this task and of all subtasks."""
        for task in self.iter_tasks():
            task.metadata = TaskMetadata()

    @contextmanager
    def timer(self, name: str) -> Iterator[None]:
        """Record the resource usage of a block under ``<name>Start...`` and ``<name>End...``."""
        with timed_block(self.metadata, name):
            yield

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.full_name!r}>"
