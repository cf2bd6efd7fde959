# SPDX-License-Identifier: BSD-3-Clause
"""Log levels between and below those of `logging`."""

import logging

from pachon.base.errors import InvalidInputError
from pachon.base.suggest import closest

__all__ = ["TRACE", "VERBOSE", "parse_level"]

VERBOSE = 15
"""More than INFO, for people who watch."""

TRACE = 5
"""More than DEBUG."""

logging.addLevelName(VERBOSE, "VERBOSE")
logging.addLevelName(TRACE, "TRACE")

_NAMES = {
    "CRITICAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "INFO": logging.INFO,
    "VERBOSE": VERBOSE,
    "DEBUG": logging.DEBUG,
    "TRACE": TRACE,
}


def parse_level(text: str) -> int:
    """Give the number of a level name, whatever its case.

    Raises
    ------
    InvalidInputError
        There is no such level.
    """
    level = _NAMES.get(text.strip().upper())
    if level is None:
        raise InvalidInputError(
            f"There is no log level {text!r}; levels are {', '.join(_NAMES)}.{closest(text, _NAMES)}"
        )
    return level
