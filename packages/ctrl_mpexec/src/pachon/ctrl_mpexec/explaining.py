# SPDX-License-Identifier: BSD-3-Clause
"""``--explain``: why quanta are in a graph, and why one is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pachon.base import InvalidInputError
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler import DropReason

if TYPE_CHECKING:
    from pachon.butler import Butler
    from pachon.quantum_butler import QuantumGraph

__all__ = ["ALL", "explain_lines", "nothing_to_do", "parse_subject"]

ALL = ""
"""What ``--explain`` without a value stands for: every task."""


def explain_lines(graph: QuantumGraph, subjects: Sequence[str], butler: Butler) -> Iterator[str]:
    """Say which quanta are in the graph and what became of the others, for each subject that was named.

    Parameters
    ----------
    graph
        The graph.
    subjects
        Each is `ALL`, a label, ``dimension=value`` or several of these with commas: ``isr, exposure=12, detector=3``.
    butler
        Is asked about data IDs that the graph does not know.
    """
    for subject in subjects:
        label, values = parse_subject(subject, graph.universe)
        yield from graph.explain(label, values, butler=butler).lines


def nothing_to_do(graph: QuantumGraph) -> str:
    """Say of an empty graph of quanta that are done what is done, and what wanted outputs that are not there."""
    explanation = graph.explain()
    if set(explanation.dropped()) == {DropReason.ALREADY_DONE}:
        where = dict.fromkeys(detail for task in explanation.tasks for _, detail in task.dropped)
        total = explanation.dropped().total()
        return f"Nothing to do: {'the only quantum is' if total == 1 else f'all {total} quanta are'} done already ({', '.join(where)})."
    said = " ".join(explanation.sentences)
    advice = (
        " If outputs of what is done were removed, --retained-dataset-types (a list of those that were kept) has them made again."
        if DropReason.UPSTREAM_DROPPED in explanation.dropped()
        else ""
    )
    return f"Nothing to do. {said}{advice}"


def parse_subject(text: str, universe: DimensionUniverse) -> tuple[str | None, dict[str, int | str]]:
    """Take a label and the values of dimensions from a text.

    Raises
    ------
    InvalidInputError
        If there are two labels, or a value is no number where numbers are wanted.
    UnknownDimensionError
        If there is no such dimension.
    """
    label: str | None = None
    values: dict[str, int | str] = {}
    for part in (part.strip() for part in text.split(",")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if equals:
            universe.conform([name])
            values[name] = _value(universe, name, value)
        elif part and label is not None:
            raise InvalidInputError(
                f"--explain {text!r} names two tasks, {label!r} and {part!r}; ask about one at a time."
            )
        elif part:
            label = part
    return label, values


def _value(universe: DimensionUniverse, name: str, text: str) -> int | str:
    if universe.dimensions[name].primary_key.type == "int":
        try:
            return int(text)
        except ValueError:
            raise InvalidInputError(f"--explain: a {name} is a number; got {text!r}.") from None
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text
