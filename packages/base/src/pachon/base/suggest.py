# SPDX-License-Identifier: BSD-3-Clause
"""Suggestions for names that were mistyped."""

from collections.abc import Iterable

__all__ = ["closest"]


def closest(name: str, known: Iterable[str]) -> str:
    """Give the end of an error message that suggests known names.

    Parameters
    ----------
    name
        What was asked for.
    known
        What exists.

    Returns
    -------
    str
        ``" Did you mean 'visit'?"``, with up to three names, or ``""`` when nothing is close.
    """
    asked: object = name
    if not isinstance(asked, str):
        return ""  # something that is no name was asked for, and the message says so
    # difflib is wanted in errors only.
    import difflib

    by_folded = {candidate.casefold(): candidate for candidate in known}
    folded = name.casefold()
    matches = difflib.get_close_matches(folded, by_folded, n=3, cutoff=0.65)
    if not matches:
        return ""
    likeness = {match: difflib.SequenceMatcher(None, match, folded).ratio() for match in matches}
    best = [match for match in matches if likeness[match] >= likeness[matches[0]] - 0.1]
    return f" Did you mean {' or '.join(repr(by_folded[match]) for match in best)}?"
