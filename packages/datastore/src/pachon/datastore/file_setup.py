# SPDX-License-Identifier: BSD-3-Clause
"""What the configuration of a datastore of files says, ready for use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pachon.base import PachonError, closest
from pachon.datasets import DatasetType, StorageClasses
from pachon.datastore.composites import Composites
from pachon.datastore.config import BUTLER_ROOT, FileDatastoreConfig
from pachon.datastore.constraints import Constraints
from pachon.datastore.errors import DatastoreConfigError
from pachon.datastore.file_store import FileStore
from pachon.datastore.file_templates import FileTemplates
from pachon.datastore.formatter_table import FormatterTable
from pachon.datastore.lookup_key import LookupKey
from pachon.datastore.write_token import unique_token
from pachon.dimensions import DimensionUniverse
from pachon.resources import ResourcePath

__all__ = ["FileSetup"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSetup:
    """The parts of a datastore of files that its verbs (write, ingest, read, remove) work with."""

    name: str
    store: FileStore
    universe: DimensionUniverse
    storage_classes: StorageClasses
    templates: FileTemplates
    formatters: FormatterTable
    composites: Composites
    constraints: Constraints
    checksum: bool
    verify_checksum: bool

    @classmethod
    def from_config(
        cls,
        config: FileDatastoreConfig,
        *,
        root: ResourcePath,
        universe: DimensionUniverse,
        storage_classes: StorageClasses,
        new_token: Callable[[], str] = unique_token,
    ) -> FileSetup:
        """Check a configuration and make its parts; nothing is read or written.

        Raises
        ------
        DatastoreConfigError, TemplateError
            Says which entry is wrong.
        """
        return cls(
            name=config.name,
            store=FileStore(_resolve_root(config.root, root), group_writable=config.group_writable),
            universe=universe,
            storage_classes=storage_classes,
            templates=FileTemplates(config.templates, universe, new_token),
            formatters=FormatterTable(config.formatters, universe, allow_unsafe=config.allow_pickle),
            composites=Composites(
                config.composites.get("default", False), config.composites.get("disassembled", {}), universe
            ),
            constraints=Constraints.parse(
                config.constraints.get("accept", ()), config.constraints.get("reject", ()), universe
            ),
            checksum=config.checksum,
            verify_checksum=config.verify_checksum,
        )

    def validate(self, dataset_types: Iterable[DatasetType], instruments: Iterable[str] = ()) -> list[PachonError]:
        """Check the configuration against what exists, and give all that is wrong.

        Templates and formatters must suit each dataset type, for each instrument; each lookup key must name a dataset
        type, storage class or instrument.
        """
        dataset_types, instruments = tuple(dataset_types), tuple(instruments)
        problems: list[PachonError] = []
        for dataset_type in dataset_types:
            scopes = instruments if "instrument" in dataset_type.dimensions else ()
            for instrument in (None, *scopes):
                try:
                    self.templates.check(dataset_type, instrument)
                    self.formatters.choose(dataset_type, instrument)
                except PachonError as error:
                    problems.append(error)
        names = {dataset_type.name for dataset_type in dataset_types} | set(self.storage_classes)
        problems.extend(self._unknown_keys(names, set(instruments)))
        return problems

    def _unknown_keys(self, names: set[str], instruments: set[str]) -> Iterator[PachonError]:
        sections: dict[str, Iterable[LookupKey]] = {
            "templates": [key for key, _ in self.templates.table.items() if not key.dimensions],
            "formatters": [key for key, _ in self.formatters.configured.items()],
            "composites.disassembled": [key for key, _ in self.composites.table.items()],
            "constraints": self.constraints.keys(),
        }
        for section, keys in sections.items():
            for key in keys:
                if key.name and key.name not in names:
                    yield DatastoreConfigError(
                        f"{section}: {str(key)!r} is neither a dataset type nor a storage class.{closest(key.name, names)}"
                    )
                if key.instrument is not None and key.instrument not in instruments:
                    yield DatastoreConfigError(
                        f"{section}: {str(key)!r} is for an unknown instrument.{closest(key.instrument, instruments)}"
                    )


def _resolve_root(text: str, butler_root: ResourcePath) -> ResourcePath:
    if text.startswith(BUTLER_ROOT):
        rest = text.removeprefix(BUTLER_ROOT).lstrip("/")
        folder = ResourcePath(butler_root, force_directory=True)
        return folder.join_inside(rest) if rest else folder
    return ResourcePath(text, root=butler_root)
