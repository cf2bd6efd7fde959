# SPDX-License-Identifier: BSD-3-Clause
"""Width of a label without a font library.

Widths are those of DejaVu Sans, the widest of the usual sans-serif faces, so that text fits whichever face a
viewer has.
"""

from __future__ import annotations

_NARROW = dict.fromkeys("ijl|'.,:;! I", 0.34) | dict.fromkeys('frt()[]{}/\\-"`', 0.43)
_WIDE = dict.fromkeys("mwMW@%", 0.93) | dict.fromkeys("ABCDGHKNOQRUVXY&", 0.73) | dict.fromkeys("+=<>~#×→", 0.82)
_WIDTHS = _NARROW | _WIDE
_OTHER = 0.62
_BOLD = 1.09


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimate the width of a line of text, in the units of ``size``; never too small for the usual faces."""
    width = size * sum(_WIDTHS.get(character, _OTHER) for character in text)
    return width * _BOLD if bold else width
