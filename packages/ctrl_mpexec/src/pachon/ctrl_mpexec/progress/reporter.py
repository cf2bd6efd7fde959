# SPDX-License-Identifier: BSD-3-Clause
"""What the executor tells about a run while it goes, and the one who does not listen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from pachon.pipe_base.execution.outcome import QuantumOutcome

__all__ = ["ProgressReporter", "SilentReporter"]


class ProgressReporter(Protocol):
    """Is told of everything that happens in a run; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def begin(self, counts: Mapping[str, int]) -> None:
        """Take the number of quanta of each task."""
        ...

    def started(self, number: int, label: str) -> None:
        """Take note that a quantum was started."""
        ...

    def ended(self, number: int, outcome: QuantumOutcome) -> None:
        """Take note that a quantum has come to its end."""
        ...

    def blocked(self, count: int) -> None:
        """Take note that so many more quanta will not run, since something upstream failed."""
        ...

    def put_back(self, number: int, outcome: QuantumOutcome) -> None:
        """Take note that a quantum failed and is tried again."""
        ...

    def tick(self) -> None:
        """Take the opportunity to show something; called often."""
        ...

    def end(self, outcomes: Sequence[QuantumOutcome], *, interrupted: bool) -> None:
        """Take the outcomes of all quanta, also of those that did not run."""
        ...

    def worker_logging(self) -> dict[str, Any]:
        """Give how workers are to log, as arguments of their settings, if not as this process."""
        ...


class SilentReporter:
    """Says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def begin(self, counts: Mapping[str, int]) -> None:
        pass

    def started(self, number: int, label: str) -> None:
        pass

    def ended(self, number: int, outcome: QuantumOutcome) -> None:
        pass

    def blocked(self, count: int) -> None:
        pass

    def put_back(self, number: int, outcome: QuantumOutcome) -> None:
        pass

    def tick(self) -> None:
        pass

    def end(self, outcomes: Sequence[QuantumOutcome], *, interrupted: bool) -> None:
        pass

    def worker_logging(self) -> dict[str, Any]:
        return {}
