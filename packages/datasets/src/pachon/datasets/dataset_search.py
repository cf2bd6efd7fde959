# SPDX-License-Identifier: BSD-3-Clause
"""A search for datasets as a condition on data IDs."""

from dataclasses import dataclass

__all__ = ["DatasetSearch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSearch:
    """Keep only the data IDs for which a dataset of this type exists in these collections."""

    dataset_type: str
    collections: tuple[str, ...]
