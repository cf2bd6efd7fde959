# SPDX-License-Identifier: BSD-3-Clause
"""Warnings that are meant for whoever typed a command."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["plain_warnings"]


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Print warnings that are meant for users as sentences on stderr, without the place in our code that they come from.

    For commands that ask a repository what expressions, dates and limits say; the option ``--where`` brings it. Other kinds of
    warnings go where they went, usually into the log. As all that changes how warnings are shown, it is for one thread.
    """
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, UserWarning | FutureWarning):
                click.echo(f"Warning: {message}", err=True)
            else:
                others(message, category, *rest, **more)

        warnings.showwarning = show
        yield
