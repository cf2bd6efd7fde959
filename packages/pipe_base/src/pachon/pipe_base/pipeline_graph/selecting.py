# SPDX-License-Identifier: BSD-3-Clause
"""Expressions that select tasks of a graph (``--select-tasks``).

::

    expr  := ident | ~ expr | expr & expr | expr '|' expr | ( expr )
           | < ident | <= ident | > ident | >= ident
    ident := [T: | D: | S:] [A-Za-z0-9_-]+

``~`` and the comparisons bind most tightly, then ``&``, then ``|``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pachon.base import closest
from pachon.pipe_base.pipeline_graph.errors import SubsetExpressionError
from pachon.pipe_base.pipeline_graph.nodes import DatasetTypeNode, GraphSubset

__all__ = ["SelectionFacts", "reachable", "select_labels"]

Qualifier = Literal["T", "D", "S"]

_TOKEN = re.compile(r"\s*(?:(?P<name>(?:[TDS]:)?[A-Za-z0-9_-]+)|(?P<op><=|>=|[<>~&|()]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionFacts:
    """What an expression is evaluated over."""

    links: Mapping[str, Mapping[str, str]]
    """Label -> labels of the tasks that read its outputs."""
    dataset_types: Mapping[str, DatasetTypeNode]
    subsets: Mapping[str, GraphSubset]

    @property
    def labels(self) -> frozenset[str]:
        """All labels."""
        return frozenset(self.links)

    def reversed_links(self) -> dict[str, set[str]]:
        """Give for each label the labels of the tasks whose outputs it reads."""
        found: dict[str, set[str]] = {label: set() for label in self.links}
        for label, readers in self.links.items():
            for reader in readers:
                found[reader].add(label)
        return found


def reachable(start: frozenset[str], links: Mapping[str, Mapping[str, str] | set[str]]) -> frozenset[str]:
    """Give all labels that can be reached from some labels, those included."""
    found, front = set(start), list(start)
    while front:
        for label in links[front.pop()]:
            if label not in found:
                found.add(label)
                front.append(label)
    return frozenset(found)


def select_labels(expression: str, facts: SelectionFacts) -> frozenset[str]:
    """Give the labels of the tasks that an expression selects.

    Raises
    ------
    SubsetExpressionError
        The expression is not valid, or a name in it is unknown or ambiguous.
    """
    return _Parser(expression, facts).parse()


class _Parser:
    """Recursive descent over the tokens; each method gives a set of labels."""

    def __init__(self, expression: str, facts: SelectionFacts) -> None:
        self.expression, self.facts = expression, facts
        self.tokens: list[str] = []
        position, text = 0, expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"{text[position:].strip()[:1]!r} is not understood")
            self.tokens.append(match.group("name") or match.group("op"))
            position = match.end()
        self.at = 0

    def error(self, problem: str) -> SubsetExpressionError:
        return SubsetExpressionError(f"The task selection {self.expression!r} is not valid: {problem}.")

    def parse(self) -> frozenset[str]:
        found = self.parse_or()
        if self.at < len(self.tokens):
            raise self.error(f"{self.tokens[self.at]!r} is not expected here")
        return found

    def take(self, *wanted: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at] in wanted:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def parse_or(self) -> frozenset[str]:
        found = self.parse_and()
        while self.take("|"):
            found |= self.parse_and()
        return found

    def parse_and(self) -> frozenset[str]:
        found = self.parse_unary()
        while self.take("&"):
            found &= self.parse_unary()
        return found

    def parse_unary(self) -> frozenset[str]:
        if self.take("~"):
            return self.facts.labels - self.parse_unary()
        if operator := self.take("<", "<=", ">", ">="):
            return self.related(operator, self.take_name())
        if self.take("("):
            found = self.parse_or()
            if not self.take(")"):
                raise self.error("a closing parenthesis is missing")
            return found
        return self.tasks_of(*self.resolve(self.take_name()))

    def take_name(self) -> str:
        if self.at >= len(self.tokens) or not (self.tokens[self.at][0].isalnum() or self.tokens[self.at][0] in "_-"):
            raise self.error("a name is missing at the end" if self.at >= len(self.tokens) else "a name is missing")
        self.at += 1
        return self.tokens[self.at - 1]

    def resolve(self, text: str) -> tuple[Qualifier, str]:
        qualifier, colon, name = text.partition(":")
        spaces: dict[Qualifier, Mapping[str, object]] = {
            "T": self.facts.links, "D": self.facts.dataset_types, "S": self.facts.subsets
        }  # fmt: skip
        words = {"T": "task", "D": "dataset type", "S": "subset"}
        if colon:
            known = next(key for key in spaces if key == qualifier)
            if name not in spaces[known]:
                raise self.error(f"there is no {words[known]} {name!r}.{closest(name, spaces[known])}".rstrip("?."))
            return known, name
        found: list[Qualifier] = [key for key, names in spaces.items() if text in names]
        if not found:
            every = [known for names in spaces.values() for known in names]
            raise self.error(f"there is no task, dataset type or subset {text!r}.{closest(text, every)}".rstrip("?."))
        if len(found) > 1:
            kinds = " and ".join(f"a {words[key]} ({key}:{text})" for key in found)
            raise self.error(f"{text!r} is {kinds}; write which is meant")
        return found[0], text

    def tasks_of(self, qualifier: Qualifier, name: str) -> frozenset[str]:
        if qualifier == "T":
            return frozenset([name])
        if qualifier == "S":
            return frozenset(self.facts.subsets[name].labels) & self.facts.labels
        node = self.facts.dataset_types[name]
        if node.is_init:
            raise self.error(f"{name!r} is an init-output, which selects no task")
        return frozenset([node.producer]) if node.producer is not None else frozenset()

    def related(self, operator: str, text: str) -> frozenset[str]:
        qualifier, name = self.resolve(text)
        own = self.tasks_of(qualifier, name)
        if operator[0] == "<":
            found = reachable(own, self.facts.reversed_links())
            return found if operator == "<=" else found - own
        if qualifier == "D":
            below = reachable(frozenset(self.facts.dataset_types[name].consumers), self.facts.links)
            return below | own if operator == ">=" else below
        found = reachable(own, self.facts.links)
        return found if operator == ">=" else found - own
