# SPDX-License-Identifier: BSD-3-Clause
"""What an instrument is: the base class that each one extends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pachon.obs_base.camera import Camera
from pachon.obs_base.collection_names import CollectionNames
from pachon.obs_base.curated_type import CuratedType
from pachon.obs_base.filters import FilterDefinitions
from pachon.obs_base.record_sync import sync_records
from pachon.obs_base.visit_region import BoresightRegion, VisitRegionPolicy

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from astro_metadata_translator import MetadataTranslator

    from pachon.butler import Butler

__all__ = ["Instrument", "RawDefinition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDefinition:
    """The dataset type of raw frames."""

    name: str = "raw"
    dimensions: tuple[str, ...] = ("instrument", "exposure", "detector")
    storage_class: str = "CCDData"


class Instrument(ABC):
    """An instrument: its camera, filters and conventions.

    A subclass is registered in the entry-point group ``pachon.instruments``; it says what it is
    in class attributes and two methods, and its files (``camera.yaml``, curated calibrations,
    overrides of task configurations) lie in its package.

    Parameters
    ----------
    collection_prefix
        What the names of its collections begin with; its name if left out.
    """

    name: ClassVar[str]
    """Value of the dimension ``instrument``."""

    registered_name: ClassVar[str]
    """Name of its entry point, kept in its record."""

    package: ClassVar[str]
    """Package that holds its files."""

    exposure_max: ClassVar[int]
    """One more than the largest exposure (and visit) id that there can be."""

    raw_formatter_name: ClassVar[str]
    """Registered name of the formatter of raw frames."""

    raw_definition: ClassVar[RawDefinition] = RawDefinition()
    visit_system: ClassVar[int] = 0
    """The way to group exposures into visits that users mean if they do not say: 0 is one by one."""

    visit_region: ClassVar[VisitRegionPolicy] = BoresightRegion()
    curated_labels: ClassVar[tuple[str, ...] | None] = ()
    """Labels of the curated calibrations if nobody gives others: none, they are in ``calib`` itself; None: they must be given."""

    curated_types: ClassVar[tuple[CuratedType, ...]] = ()
    """Types of curated calibrations beside the standard ones."""

    def __init__(self, collection_prefix: str | None = None) -> None:
        self.collections = CollectionNames(collection_prefix or self.name)
        """Names of its collections."""

    def __repr__(self) -> str:
        return f"<Instrument {self.name} ({self.registered_name})>"

    @property
    @abstractmethod
    def filters(self) -> FilterDefinitions:
        """Its filters."""

    @property
    @abstractmethod
    def translator(self) -> type[MetadataTranslator] | None:
        """Its metadata translator; None leaves it to the headers."""

    @cached_property
    def camera(self) -> Camera:
        """Its camera, read from ``camera.yaml`` of its package."""
        return Camera.from_yaml(resources.files(self.package) / "camera.yaml")

    def raw_formatter(self, data_id: Mapping[str, Any]) -> str:
        """Give the registered name of the formatter for a raw frame."""
        return self.raw_formatter_name

    @property
    def collection_prefix(self) -> str:
        """What the names of its collections begin with."""
        return self.collections.prefix

    @property
    def config_paths(self) -> Sequence[str]:
        """Folders with overrides ``<task default name>.py``, applied in this order."""
        folder = resources.files(self.package) / "config"
        return (str(folder),) if isinstance(folder, Path) and folder.is_dir() else ()

    @property
    def policy_name(self) -> str:
        """Folder of its curated calibrations, and what they call the instrument."""
        return self.registered_name

    @property
    def curated_root(self) -> Traversable | None:
        """Folder with a folder ``<policy name>/<dataset type>`` for each type of curated calibration; None: there are none."""
        return resources.files("pachon.obs_base") / "curated_calibrations"

    def group_id(self, group: str) -> int:
        """Give the number of a group of exposures: the digits of its name; 0 if it has none."""
        return int("".join(character for character in group if character.isdigit()) or 0)

    def register(self, butler: Butler, *, update: bool = False) -> bool:
        """Write the records of instrument, detectors and filters, all or none.

        Registering again changes nothing; records that are no longer defined stay.

        Parameters
        ----------
        butler
            A writeable butler.
        update
            Whether records that differ are replaced.

        Returns
        -------
        bool
            Whether anything was written.

        Raises
        ------
        RecordConflictError
            If a stored record differs and ``update`` is False.
        """
        with butler.transaction():
            results = [sync_records(butler, element, rows, update=update) for element, rows in self._records().items()]
        return any(result.added or result.changed for result in results)

    def _records(self) -> dict[str, list[dict[str, Any]]]:
        camera = self.camera
        return {
            "instrument": [
                {
                    "name": self.name,
                    "detector_max": camera.detector_max,
                    "visit_max": self.exposure_max,
                    "exposure_max": self.exposure_max,
                    "visit_system": self.visit_system,
                    "class_name": self.registered_name,
                }
            ],
            "physical_filter": [
                {"instrument": self.name, "name": one.physical_filter, "band": one.band_name} for one in self.filters
            ],
            "detector": [
                {
                    "instrument": self.name,
                    "id": detector.id,
                    "full_name": detector.name,
                    "name_in_raft": detector.name_in_group,
                    "raft": detector.group,
                    "purpose": detector.purpose,
                }
                for detector in camera
            ],
        }
