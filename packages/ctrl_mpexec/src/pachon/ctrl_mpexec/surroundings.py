# SPDX-License-Identifier: BSD-3-Clause
"""What a task finds around it, and what it may have changed when it ends: put back for the next quantum."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np

__all__ = ["restored_surroundings"]

_log = logging.getLogger("pachon.ctrl_mpexec")

_SIGNALS: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGCHLD", "SIGPIPE")
    if hasattr(signal, name)
)


@contextmanager
def restored_surroundings() -> Iterator[None]:
    """Put back working directory, environment, random state, logging, import path, streams and signals at the end."""
    folder, environment, mask = _folder(), _environment(), _usual_umask()
    python_state, numpy_state = random.getstate(), _numpy_state()
    path, streams, filters = list(sys.path), (sys.stdin, sys.stdout, sys.stderr), list(warnings.filters)
    errors = np.geterr()
    loggers = _loggers(len(logging.root.manager.loggerDict))
    root = logging.getLogger()
    handlers, disabled = list(root.handlers), logging.root.manager.disable
    in_main = threading.current_thread() is threading.main_thread()
    signals = {number: signal.getsignal(number) for number in _SIGNALS} if in_main else {}
    try:
        yield
    finally:
        _return_to(folder)
        if _environment() != environment:
            _set_environment(environment)
        os.umask(mask)
        random.setstate(python_state)
        _set_numpy_state(numpy_state)
        sys.path[:] = path
        sys.stdin, sys.stdout, sys.stderr = streams
        if warnings.filters != filters:
            warnings.filters[:] = filters  # type: ignore[index]  # a list, whatever it is declared as
        np.seterr(**errors)
        _restore_loggers(loggers)
        root.handlers[:] = handlers
        if logging.root.manager.disable != disabled:
            logging.disable(disabled)  # it makes every logger forget what it knows of its level
        for number, handler in signals.items():
            if signal.getsignal(number) is not handler and handler is not None:
                if number == getattr(signal, "SIGALRM", None):
                    signal.alarm(0)
                signal.signal(number, handler)


def _folder() -> str | None:
    with contextlib.suppress(OSError):
        return os.getcwd()
    return None


def _return_to(folder: str | None) -> None:
    if folder is None or _folder() == folder:
        return
    try:
        os.chdir(folder)
    except OSError as error:
        _log.warning("The working directory %s is gone: %s", folder, error)


def _numpy_state() -> Any:
    """Give the state of numpy's global generator, which tasks may use; `None` if nobody has loaded it so far.

    To load it would take a tenth of the time that a worker needs to start.
    """
    loaded = sys.modules.get("numpy.random")
    return None if loaded is None else loaded.get_state()


def _set_numpy_state(state: Any) -> None:
    loaded = sys.modules.get("numpy.random")
    if state is not None:
        np.random.set_state(state)  # noqa: NPY002  # the global one is what is to be put back
    elif loaded is not None:
        loaded.seed()  # a new process would begin anywhere


@cache
def _usual_umask() -> int:
    """Give the umask of this process before its first quantum. There is no other way to ask than to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@lru_cache(1)
def _loggers(count: int) -> tuple[tuple[logging.Logger, int, bool], ...]:
    """Give all loggers with level and silence, anew only when there are more of them: it is asked before every quantum."""
    return tuple((logger, logger.level, logger.disabled) for logger in (logging.root, *_known_loggers()))


def _known_loggers() -> list[logging.Logger]:
    return [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]


def _restore_loggers(loggers: tuple[tuple[logging.Logger, int, bool], ...]) -> None:
    silenced = False
    for logger, level, disabled in loggers:
        if logger.level != level:
            logger.setLevel(level)
        if logger.disabled != disabled:
            logger.disabled, silenced = disabled, True
    if silenced:
        # `logging.config` silences all loggers that it does not name, also those that this quantum was the first to use.
        before = {logger for logger, _, _ in loggers}
        for logger in _known_loggers():
            if logger not in before:
                logger.disabled = False


def _environment() -> dict[Any, Any]:
    """Give a copy of the environment, as bytes where that is how it is kept: decoding it takes longer than all the rest."""
    kept = getattr(os.environ, "_data", None)
    return kept.copy() if isinstance(kept, dict) else dict(os.environ)


def _set_environment(environment: dict[Any, Any]) -> None:
    decoded = {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
    for name in os.environ.keys() - decoded.keys():
        del os.environ[name]
    os.environ.update(decoded)
