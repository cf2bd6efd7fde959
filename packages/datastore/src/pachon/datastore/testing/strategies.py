# SPDX-License-Identifier: BSD-3-Clause
"""Hypothesis strategies for records and file templates."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pachon.datastore.records import FileRecords, StoredFile

__all__ = ["file_records", "readable_paths", "stored_files", "template_texts"]

_NAMES = st.text("abcXYZ019_-é ", min_size=1, max_size=12)


def readable_paths() -> st.SearchStrategy[str]:
    """Make relative paths without extension, as templates give them."""
    part = st.text("abcXYZ019_-é", min_size=1, max_size=60)
    return st.lists(part, min_size=1, max_size=5).map("/".join)


def stored_files() -> st.SearchStrategy[StoredFile]:
    """Make single records: owned or not, with and without size, checksum and component."""
    paths = readable_paths() | readable_paths().map(lambda path: f"s3://bucket/{path}")
    return st.builds(
        StoredFile,
        dataset_id=st.uuids(),
        path=paths,
        formatter=st.sampled_from(["json", "yaml", "fits_ccd"]),
        storage_class=st.sampled_from(["StructuredDataDict", "CCDData"]),
        component=st.none() | st.sampled_from(["wcs", "mask"]),
        size=st.none() | st.integers(0, 2**50),
        checksum=st.none() | st.text("0123456789abcdef", min_size=128, max_size=128),
        datastore=_NAMES,
    )


def file_records(*, max_size: int = 8) -> st.SearchStrategy[FileRecords]:
    """Make tables of records with distinct keys."""
    rows = st.lists(stored_files(), max_size=max_size, unique_by=lambda row: (row.dataset_id, row.component))
    return rows.map(FileRecords.from_rows)


@st.composite
def template_texts(draw: Any, dimensions: tuple[str, ...]) -> str:
    """Make file templates that suit every dataset type of these dimensions which is no component."""
    fields = [f"{{{name}{draw(st.sampled_from(['', ':?', ':/', ':?/']))}}}" for name in dimensions]
    fields += draw(st.lists(st.sampled_from(["{datasetType}", "{component:?}", "{band:?}"]), max_size=3))
    fields.append(draw(st.sampled_from(["{run}", "{run:/}"])))
    text = ""
    for field in draw(st.permutations(fields)):
        separator = draw(st.sampled_from(["/", "_", "-x", "."])) if text else ""
        text += separator + field
    return text
