# SPDX-License-Identifier: BSD-3-Clause
"""Changes that are done again when another client got in their way."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from pachon.registry.database.database import Database
from pachon.registry.errors import TransactionConflictError

__all__ = ["retried"]

ATTEMPTS = 6
_P = ParamSpec("_P")
_T = TypeVar("_T")


class _HasDatabase(Protocol):
    @property
    def database(self) -> Database: ...


_S = TypeVar("_S", bound=_HasDatabase)


def retried(verb: Callable[Concatenate[_S, _P], _T]) -> Callable[Concatenate[_S, _P], _T]:
    """Let a verb, which is one transaction, be done again a few times after a deadlock or a serialization failure.

    Within a caller's transaction it is done once: only who began that transaction knows what else was in it.
    """

    @functools.wraps(verb)
    def with_retries(state: _S, /, *arguments: _P.args, **options: _P.kwargs) -> _T:
        attempts = 1 if state.database.in_write else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                return verb(state, *arguments, **options)
            except TransactionConflictError:
                if attempt == attempts:
                    raise
                # Those who met must not meet again.
                time.sleep(random.uniform(0.0, 0.02) * 2**attempt)
        raise AssertionError("unreachable")

    return with_retries
