# SPDX-License-Identifier: BSD-3-Clause
"""What is wrong with a text that is not YAML, said to people who do not know the words of YAML parsers."""

from __future__ import annotations

import yaml

from pachon.pipe_base.pipeline.place import Mark

__all__ = ["yaml_problem"]


def yaml_problem(error: yaml.YAMLError, text: str) -> tuple[Mark, str]:
    """Give where a document is wrong, and a sentence that says how to mend it.

    Parameters
    ----------
    error
        What the parser raised.
    text
        The document.

    Returns
    -------
    mark, problem
        Line and column from 1 on (zeros if they are not known), and the sentence without its first word being a place.
    """
    if isinstance(error, yaml.MarkedYAMLError):
        return _marked_problem(error, text)
    position = getattr(error, "position", None)
    if isinstance(position, int):
        before = text[:position]
        mark = before.count("\n") + 1, position - before.rfind("\n")
        code = getattr(error, "character", 0)
        return mark, f"the character U+{ord(code) if isinstance(code, str) else code:04X} is not allowed in YAML."
    return (0, 0), f"not valid YAML: {str(error).splitlines()[0]}."


def _marked_problem(error: yaml.MarkedYAMLError, text: str) -> tuple[Mark, str]:
    at, begin = _mark(error.problem_mark), _mark(error.context_mark)
    problem, context = error.problem or "", error.context or ""
    here = _character(text, at)
    if "found undefined alias" in problem:
        return at, "there is no anchor (&name) for this alias (*name); a text that begins with '*' must be in quotes."
    if "found another document" in problem:
        return at, "a second document begins here ('---'); a pipeline is one document."
    if "could not determine a constructor" in problem:
        tag = problem.rpartition("tag ")[2].strip("'").replace("tag:yaml.org,2002:", "!!")
        return at, f"the tag {tag!r} is not allowed; only plain values are read."
    if "cannot start any token" in problem:
        if here == "\t":
            return at, "a tab cannot indent YAML; use spaces."
        return at, f"a text that begins with {here!r} must be in quotes."
    if "mapping values are not allowed" in problem:
        return (
            at,
            "there is a second ':' in this line, or the indentation is wrong; a text with ': ' must be in quotes.",
        )
    if "could not find expected ':'" in problem:
        return (begin if begin[0] else at), "a ':' is missing after this key, or a quote or bracket is not closed."
    if "quoted scalar" in context and "end of stream" in problem:
        return begin, "this quote is not closed."
    if "flow node" in context:
        where = f"this {here!r}" if here else "the end of the file"
        return at, f"a value is missing before {where}, or a bracket is not closed."
    if "flow" in context and "did not find expected" in problem:
        bracket = _character(text, begin)
        return begin, f"this {bracket!r} is not closed before line {at[0]}, or a comma is missing."
    if "did not find expected key" in problem or "expected <block end>" in problem:
        line = text.splitlines()[at[0] - 1] if 0 < at[0] <= len(text.splitlines()) else ""
        if "}" in line[: at[1]]:
            return at, "a text that begins with '{' must be in quotes."
        return at, f"this line is not indented like the others of its mapping, which begins in line {begin[0]}."
    return at, f"not valid YAML{f' {context}' if context else ''}: {problem}."


def _mark(mark: yaml.Mark | None) -> Mark:
    return (0, 0) if mark is None else (mark.line + 1, mark.column + 1)


def _character(text: str, mark: Mark) -> str:
    lines = text.splitlines()
    if 0 < mark[0] <= len(lines) and 0 < mark[1] <= len(lines[mark[0] - 1]):
        return lines[mark[0] - 1][mark[1] - 1]
    return ""
