# SPDX-License-Identifier: BSD-3-Clause
"""Write curated calibrations: the camera, and what lies in the instrument's folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pachon.base import InvalidInputError
from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import Timespan
from pachon.obs_base.collection_names import CollectionNames, format_timestamp
from pachon.obs_base.curated.calibration_file import read_curated_file
from pachon.obs_base.curated.layout import find_curated_files, validity_ranges
from pachon.obs_base.curated_type import STANDARD_TYPES, CuratedType
from pachon.obs_base.instrument import Instrument

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["CAMERA_TYPE", "CuratedReport", "write_curated_calibrations"]

CAMERA_TYPE = "camera"
"""Dataset type of the camera: {instrument}, storage class ``Camera``, a calibration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CuratedReport:
    """What was written."""

    collection: str
    """The CALIBRATION collection."""

    counts: dict[str, int]
    """Datasets by dataset type."""

    known: int = 0
    """So many of them were there already, and were left as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calibration:
    """A calibration that is to be written."""

    obj: Any
    dataset_type: DatasetType
    data_id: dict[str, Any]
    run: str
    timespan: Timespan


def write_curated_calibrations(
    butler: Butler,
    instrument: Instrument,
    *,
    labels: Sequence[str] | None = None,
    collection: str | None = None,
    prefix: str | None = None,
) -> CuratedReport:
    """Write and certify the camera and the curated calibrations, all or none.

    Parameters
    ----------
    butler
        A writeable butler; the instrument is registered.
    instrument
        Whose calibrations.
    labels
        Parts of the collections' names; the instrument's own if left out.
    collection
        CALIBRATION collection instead of ``<instrument>/calib/<labels>``; its RUNs are then below it.
    prefix
        What the names begin with instead of the instrument's prefix; not used with ``collection``.

    Raises
    ------
    InvalidInputError
        If there are neither labels nor a collection, and the instrument has no labels of its own.
    FormatError
        If a file is not what its place says.
    ConflictError
        If there are other calibrations of these types and times. Those that an earlier call wrote stay as they are.
    """
    names = CollectionNames(prefix) if prefix else instrument.collections
    if collection is None:
        chosen = instrument.curated_labels if not labels else tuple(labels)
        if chosen is None:
            raise InvalidInputError(f"{instrument.name} needs a label or a collection for its curated calibrations.")
        collection = names.calibrations(*chosen)
    everything = [_camera(butler, instrument, f"{collection}/unbounded"), *_files(butler, instrument, collection)]
    with butler.transaction():
        butler.collections.register(collection, CollectionType.CALIBRATION)
        for dataset_type in {one.dataset_type.name: one.dataset_type for one in everything}.values():
            butler.dataset_types.register(dataset_type)
        for run in {one.run: None for one in everything}:
            butler.collections.register(run, CollectionType.RUN)
        written = 0
        certified: dict[tuple[str, Timespan], list[DatasetRef]] = {}
        for run in {one.run: None for one in everything}:
            members = [one for one in everything if one.run == run and not _is_written(butler, one)]
            written += len(members)
            refs = butler.put_many([(one.obj, one.dataset_type, one.data_id) for one in members], run=run)
            for one, ref in zip(members, refs, strict=True):
                certified.setdefault((one.dataset_type.name, one.timespan), []).append(ref)
        for (_, timespan), refs in certified.items():
            butler.collections.certify(collection, refs, timespan)
    counts: dict[str, int] = {}
    for one in everything:
        counts[one.dataset_type.name] = counts.get(one.dataset_type.name, 0) + 1
    return CuratedReport(collection=collection, counts=counts, known=len(everything) - written)


def _is_written(butler: Butler, one: _Calibration) -> bool:
    """Whether an earlier call wrote a calibration; it certified it in the same transaction."""
    return butler.find_dataset(one.dataset_type, one.data_id, collections=one.run) is not None


def _camera(butler: Butler, instrument: Instrument, run: str) -> _Calibration:
    dataset_type = DatasetType(CAMERA_TYPE, ("instrument",), "Camera", is_calibration=True, universe=butler.universe)
    return _Calibration(
        obj=instrument.camera,
        dataset_type=dataset_type,
        data_id={"instrument": instrument.name},
        run=run,
        timespan=Timespan(None, None),
    )


def _files(butler: Butler, instrument: Instrument, collection: str) -> list[_Calibration]:
    found = []
    root = instrument.curated_root
    for kind in (*STANDARD_TYPES, *instrument.curated_types):
        folder = None if root is None else root / instrument.policy_name / kind.name
        if folder is None or not folder.is_dir():
            continue
        dataset_type = _dataset_type(butler, kind)
        for files in find_curated_files(folder, kind, instrument.camera, instrument.filters):
            for file, timespan in zip(files, validity_ranges(files), strict=True):
                obj, date = read_curated_file(file, kind, instrument.policy_name)
                values = {"detector": file.detector, "physical_filter": file.physical_filter}
                found.append(
                    _Calibration(
                        obj=obj,
                        dataset_type=dataset_type,
                        data_id={"instrument": instrument.name, **{k: v for k, v in values.items() if v is not None}},
                        run=f"{collection}/curated/{format_timestamp(date)}",
                        timespan=timespan,
                    )
                )
    return found


def _dataset_type(butler: Butler, kind: CuratedType) -> DatasetType:
    return DatasetType(
        kind.name,
        ("instrument", *kind.dimensions),
        kind.storage_class,
        is_calibration=True,
        universe=butler.universe,
    )
