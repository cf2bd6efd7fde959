# SPDX-License-Identifier: BSD-3-Clause
"""Which collections a run reads and writes: the rules of --output, --output-run, --input and their switches.

Everything here is a function of names: `CollectionState` says what exists, `plan_collections` what is to be done.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from pachon.base import ConflictError, InvalidInputError, NotFoundError

__all__ = ["CollectionOptions", "CollectionPlan", "CollectionState", "plan_collections", "timestamp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionOptions:
    """What the user asked for."""

    inputs: tuple[str, ...] = ()
    output: str | None = None
    output_run: str | None = None
    extend_run: bool = False
    replace_run: bool = False
    prune_replaced: str | None = None
    """``unstore`` or ``purge``."""
    rebase: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionState:
    """What exists of the collections that the user named."""

    output_members: tuple[str, ...] | None
    """Children of the output chain in order; `None` if it does not exist."""
    output_is_chain: bool = True
    flattened_inputs: tuple[str, ...] = ()
    """The input collections with chains replaced by their children."""
    existing_runs: frozenset[str] = frozenset()
    """Those of the candidate runs that exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionPlan:
    """What to read, and what to make before the first quantum runs."""

    output: str | None
    output_run: str
    search: tuple[str, ...]
    """Where inputs are looked for when the graph is built."""
    chain: tuple[str, ...] | None
    """What the output chain is to hold; `None` if there is none."""
    replaced: str | None = None
    """The run that is taken off the chain."""
    is_new_run: bool = False
    """Whether the run must not exist before."""
    redefines_chain: bool = False
    """Whether an output chain that exists loses members, or gets them in another order."""


def timestamp(now: datetime.datetime | None = None) -> str:
    """Give the time (UTC) as names of runs have it: ``YYYYMMDDTHHMMSSZ``."""
    return (now or datetime.datetime.now(datetime.UTC)).strftime("%Y%m%dT%H%M%SZ")


def plan_collections(options: CollectionOptions, state: CollectionState, *, stamp: str) -> CollectionPlan:
    """Decide the output run, the search path, and the new chain.

    Parameters
    ----------
    options, state
        What is wanted and what exists.
    stamp
        The last part of the name of a new run.

    Raises
    ------
    InvalidInputError
        If options exclude each other or need others.
    NotFoundError
        If the output or run that is to be extended or replaced does not exist.
    ConflictError
        If the run exists, or the inputs differ from those that the chain was made with.
    """
    _check_options(options)
    members = state.output_members
    if options.output is not None and not state.output_is_chain:
        raise ConflictError(f"{options.output!r} exists and is no chain; name another --output.")
    if options.replace_run and members is None:
        raise NotFoundError(f"--replace-run needs an existing output chain; {options.output!r} does not exist.")
    run = _output_run(options, members, stamp)
    if options.extend_run and run not in state.existing_runs:
        raise NotFoundError(f"--extend-run needs an existing run; {run!r} does not exist.")
    if not options.extend_run and options.output_run is None and run in state.existing_runs:
        raise ConflictError(
            f"Run {run!r} was made in this very second; start again, or choose a name with --output-run."
        )
    if not options.extend_run and run in state.existing_runs:
        raise ConflictError(f"Run {run!r} exists already; add --extend-run to go on with it.")
    inputs = state.flattened_inputs
    if members is not None and inputs:
        members = _consistent_members(options, members, inputs)
    if options.output is None:
        search = (run, *inputs) if options.extend_run else inputs
        return CollectionPlan(
            output=None, output_run=run, search=_distinct(search), chain=None, is_new_run=not options.extend_run
        )
    replaced = None
    if options.replace_run and members:
        replaced, members = members[0], members[1:]
        if not replaced.startswith(f"{options.output}/"):
            raise ConflictError(
                f"The first member of {options.output!r} is {replaced!r}, which is no run of it; nothing is replaced."
            )
    base = inputs if members is None else members
    search = _distinct((run, *base)) if options.extend_run else _distinct(base)
    return CollectionPlan(
        output=options.output,
        output_run=run,
        search=search,
        chain=_distinct((run, *base)),
        replaced=replaced,
        is_new_run=not options.extend_run,
        redefines_chain=replaced is not None or base != (state.output_members or inputs),
    )


def _check_options(options: CollectionOptions) -> None:
    if options.output is None and options.output_run is None:
        raise InvalidInputError("Say where outputs go: --output (a chain) or --output-run.")
    if options.extend_run and options.replace_run:
        raise InvalidInputError("--extend-run and --replace-run exclude each other.")
    if options.prune_replaced is not None and not options.replace_run:
        raise InvalidInputError("--prune-replaced needs --replace-run.")
    if options.prune_replaced not in (None, "unstore", "purge"):
        raise InvalidInputError(f"--prune-replaced is 'unstore' or 'purge', not {options.prune_replaced!r}.")
    if options.replace_run and options.output is None:
        raise InvalidInputError("--replace-run needs --output.")
    if options.rebase and options.output is None:
        raise InvalidInputError("--rebase needs --output.")


def _output_run(options: CollectionOptions, members: tuple[str, ...] | None, stamp: str) -> str:
    run = options.output_run
    if run is None and options.extend_run:
        if not members:
            raise NotFoundError(f"--extend-run: {options.output!r} does not exist or has no members.")
        if not members[0].startswith(f"{options.output}/"):
            # Its run was removed, and what comes first now is an input.
            raise ConflictError(
                f"The first member of {options.output!r} is {members[0]!r}, which is no run of it by its name; "
                "name the run that is to be extended with --output-run."
            )
        return members[0]
    if run is None:
        return f"{options.output}/{stamp}"
    if options.rebase and not run.startswith(f"{options.output}/"):
        raise InvalidInputError(
            f"With --rebase, --output-run must begin with {options.output + '/' if options.output else ''!r}."
        )
    return run


def _consistent_members(
    options: CollectionOptions, members: tuple[str, ...], inputs: tuple[str, ...]
) -> tuple[str, ...]:
    """Give the members of the chain, rebased on the inputs if they differ and that was asked for."""
    length = len(inputs)
    if any(members[i : i + length] == inputs for i in range(len(members) - length + 1)):
        return members
    if not options.rebase:
        raise ConflictError(
            f"The inputs {', '.join(inputs)} are not a part of the existing chain {options.output!r} "
            f"({', '.join(members)}). Leave --input away, or add --rebase to redefine the chain."
        )
    own = [name for name in members if name.startswith(f"{options.output}/")]
    rest = [name for name in members if name not in own and name not in inputs]
    return _distinct((*own, *inputs, *rest))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
