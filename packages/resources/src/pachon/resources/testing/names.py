# SPDX-License-Identifier: BSD-3-Clause
"""Strategies of hypothesis for names of files."""

from hypothesis import strategies as st

__all__ = ["file_names"]


def file_names() -> st.SearchStrategy[str]:
    """Give names that any storage takes: no slash, no ``#`` (it begins a fragment), no control characters."""
    alphabet = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/#\\\x7f")
    names = st.text(alphabet, min_size=1, max_size=30)
    return names.filter(_is_usable)


def _is_usable(name: str) -> bool:
    encoded = any(
        name[i] == "%" and all(c in "0123456789ABCDEF" for c in name[i + 1 : i + 3]) for i in range(len(name))
    )
    return (
        name.strip(".") != "" and name == name.strip() and name[0] not in "~$" and "file:" not in name and not encoded
    )
