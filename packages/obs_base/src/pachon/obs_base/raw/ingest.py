# SPDX-License-Identifier: BSD-3-Clause
"""Ingest raw frames: files are read, their exposures registered, and then the files become datasets.

Every step is done for a whole folder at once. If a folder's files cannot be ingested together they
are tried exposure by exposure, so that one bad exposure keeps no other out. A file that fails
leaves nothing behind; whatever was ingested before stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pachon.base import NotFoundError, PachonError, progress
from pachon.datasets import CollectionType, DatasetRef, DatasetType, FileDataset
from pachon.datasets.dataset_id import deterministic_id
from pachon.obs_base.errors import IngestError
from pachon.obs_base.instrument import Instrument
from pachon.obs_base.instrument_lookup import instrument_of_record
from pachon.obs_base.path_text import path_text
from pachon.obs_base.raw.exposures import write_exposures
from pachon.obs_base.raw.find_files import RAW_FILE_PATTERN, find_raw_files
from pachon.obs_base.raw.metadata_files import INDEX_NAME, MetadataFiles
from pachon.obs_base.raw.raw_file import BadFile, RawFile, read_raw_file
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["IngestReport", "RawIngestOptions", "ingest_raws"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawIngestOptions:
    """How raw frames are ingested."""

    output_run: str | None = None
    """RUN that holds them; ``<instrument>/raw/all`` if left out."""

    pattern: str = RAW_FILE_PATTERN
    transfer: str = "auto"
    threads: int = 1
    """Headers that are read at the same time."""

    fail_fast: bool = False
    """Whether the first problem ends it all."""

    update_records: bool = False
    """Whether exposure records that differ from a header are replaced; else the exposure fails."""

    skip_existing: bool = True
    """Whether frames that are there already are passed over; else they fail."""

    search_indexes: bool = True
    """Whether headers are taken from an ``_index.json`` in a folder, if there is one."""

    checksum: bool = True
    """Whether to record size and checksum of each file."""


@dataclass(slots=True, kw_only=True)
class IngestReport:
    """What became of the files."""

    refs: list[DatasetRef] = field(default_factory=list)
    """Datasets that were ingested."""

    skipped: int = 0
    """Frames that were there already."""

    updated: int = 0
    """Exposure records that were replaced."""

    total: int = 0
    """Files that were found."""

    bad_files: list[BadFile] = field(default_factory=list)
    """Files whose headers cannot be used."""

    failed_exposures: list[BadFile] = field(default_factory=list)
    """Files whose exposure contradicts what is registered."""

    failed_ingests: list[BadFile] = field(default_factory=list)
    """Files that could not be brought into the repository."""

    @property
    def failures(self) -> list[BadFile]:
        """All files that failed."""
        return [*self.bad_files, *self.failed_exposures, *self.failed_ingests]

    def check(self) -> None:
        """Raise an `IngestError` if anything failed; what is wrong with the only file, if there was but one."""
        if self.failures and self.total == 1:
            raise self.failures[0].error
        if self.failures:
            raise IngestError(len(self.failures), self.total)


def ingest_raws(
    butler: Butler, locations: Iterable[str | ResourcePath], options: RawIngestOptions | None = None
) -> IngestReport:
    """Ingest the raw files of some places.

    Parameters
    ----------
    butler
        A writeable butler; the instruments must be registered.
    locations
        Files and folders.
    options
        How.

    Returns
    -------
    IngestReport
        What became of each file; failures among several files have been logged, a line each. Call its ``check`` to
        have them as an error.

    Raises
    ------
    NotFoundError
        If a location does not exist, or there is no file to ingest.
    PachonError
        With ``fail_fast``, the first failure.
    """
    options = options or RawIngestOptions()
    locations = list(locations)
    ingest = _Ingest(butler, options)
    groups = ingest.find(locations)
    ingest.report.total = sum(len(group) for group in groups)
    if not groups:
        places = ", ".join(path_text(ResourcePath(location)) for location in locations)
        raise NotFoundError(f"There is no file in {places} whose name matches the regular expression {options.pattern}")
    with progress("Ingesting raw frames", total=ingest.report.total) as bar:
        for group in groups:
            ingest.run(group, bar.advance)
    return ingest.report


class _Ingest:
    """One call of `ingest_raws`: the report grows as groups of files are worked through."""

    def __init__(self, butler: Butler, options: RawIngestOptions) -> None:
        self.butler = butler
        self.options = options
        self.report = IngestReport()
        self._instruments: dict[str, Instrument] = {}
        self._records = {record.name: record.class_name for record in butler.fetch_records("instrument")}
        self._metadata = MetadataFiles(search_indexes=options.search_indexes)
        self._dataset_types: dict[tuple[str, str], DatasetType] = {}

    def find(self, locations: Iterable[str | ResourcePath]) -> list[list[ResourcePath]]:
        """Find the files; an index that is named stands for those that it lists."""
        given = [ResourcePath(location) for location in locations]
        indexes = [uri for uri in given if uri.basename() == INDEX_NAME]
        listed = [file for uri in indexes for file in self._metadata.add_index(uri)]
        others = [uri for uri in given if uri not in indexes]
        return find_raw_files([*others, *listed], self.options.pattern)

    def run(self, uris: Sequence[ResourcePath], advance: Callable[[int], None]) -> None:
        """Ingest a group of files."""
        files = self._read(uris, advance)
        for name in {file.instrument.name: None for file in files}:
            chosen = [file for file in files if file.instrument.name == name]
            result = write_exposures(self.butler, chosen, update=self.options.update_records)
            self.report.updated += result.updated
            self._fail(self.report.failed_exposures, result.failed)
            self._store(result.written)

    def _read(self, uris: Sequence[ResourcePath], advance: Callable[[int], None]) -> list[RawFile]:
        self._metadata.prepare(list(uris))

        def read(uri: ResourcePath) -> RawFile | BadFile:
            try:
                return read_raw_file(uri, self._instrument, self._metadata)
            except PachonError as error:
                return BadFile(uri=uri, error=error)
            finally:
                advance(1)

        if self.options.threads > 1:
            with ThreadPoolExecutor(self.options.threads) as pool:
                results = list(pool.map(read, uris))
        else:
            results = [read(uri) for uri in uris]
        self._fail(self.report.bad_files, [one for one in results if isinstance(one, BadFile)])
        return [one for one in results if isinstance(one, RawFile)]

    def _instrument(self, name: str) -> Instrument:
        if name not in self._instruments:
            if name not in self._records:
                raise _not_registered(name, self._records)
            self._instruments[name] = instrument_of_record(name, self._records[name])
        return self._instruments[name]

    def _fail(self, where: list[BadFile], failures: Sequence[BadFile]) -> None:
        for failure in failures:
            where.append(failure)
            if self.options.fail_fast:
                raise failure.error
            if self.report.total > 1:
                _log.error("%s", failure)

    def _store(self, files: list[RawFile]) -> None:
        """Make datasets of files whose exposures are registered."""
        if not files:
            return
        dataset_type, run = self._prepare(files[0].instrument)
        refs = {file.uri: self._refs(file, dataset_type, run) for file in files}
        if self.options.skip_existing:
            every = [ref for one in refs.values() for ref in one]
            found = self.butler.find_datasets(dataset_type.name, [ref.data_id for ref in every], collections=[run])
            there = {ref.data_id for ref in found if ref is not None}
            self.report.skipped += len(there)
            files = [file for file in files if not all(ref.data_id in there for ref in refs[file.uri])]
            refs = {uri: [ref for ref in one if ref.data_id not in there] for uri, one in refs.items()}
        datasets = {
            file.uri: FileDataset(file.uri, refs=refs[file.uri], formatter=file.instrument.raw_formatter({}))
            for file in files
        }
        try:
            self._ingest(list(datasets.values()), run)
        except PachonError as error:
            if len(files) == 1:
                self._fail(self.report.failed_ingests, [BadFile(uri=files[0].uri, error=_named(files[0].uri, error))])
                return
            for file in files:
                self._store_one(file, datasets[file.uri], run)

    def _store_one(self, file: RawFile, dataset: FileDataset, run: str) -> None:
        try:
            self._ingest([dataset], run)
        except PachonError as error:
            self._fail(self.report.failed_ingests, [BadFile(uri=file.uri, error=_named(file.uri, error))])

    def _ingest(self, datasets: list[FileDataset], run: str) -> None:
        if not datasets:
            return
        fresh = self.butler.ingest(
            datasets,
            run=run,
            transfer=self.options.transfer,
            on_conflict="skip" if self.options.skip_existing else "error",
            checksum=self.options.checksum,
        )
        self.report.refs += fresh
        # Somebody else may have ingested some meanwhile.
        self.report.skipped += sum(len(dataset.refs) for dataset in datasets) - len(fresh)

    def _prepare(self, instrument: Instrument) -> tuple[DatasetType, str]:
        run = self.options.output_run or instrument.collections.raws
        key = (instrument.name, run)
        if key not in self._dataset_types:
            raw = instrument.raw_definition
            dataset_type = DatasetType(raw.name, raw.dimensions, raw.storage_class, universe=self.butler.universe)
            self.butler.dataset_types.register(dataset_type)
            self.butler.collections.register(run, CollectionType.RUN)
            self._dataset_types[key] = dataset_type
        return self._dataset_types[key], run

    def _refs(self, file: RawFile, dataset_type: DatasetType, run: str) -> list[DatasetRef]:
        refs = []
        for frame in file.frames:
            data_id: dict[str, Any] = {
                "instrument": file.instrument.name,
                "exposure": frame.exposure,
                "detector": frame.detector,
            }
            ref = DatasetRef(dataset_type, data_id, run)
            refs.append(
                DatasetRef(dataset_type, ref.data_id, run, id=deterministic_id(dataset_type.name, ref.data_id, run))
            )
        return refs


def _not_registered(name: str, known: Iterable[str]) -> NotFoundError:
    there = ", ".join(sorted(known)) or "none is"
    return NotFoundError(
        f"instrument {name!r} is not registered in this repository ({there}); run 'butler register-instrument' first."
    )


def _named(uri: ResourcePath, error: PachonError) -> PachonError:
    """Give the error with the file in it, if its own words do not name it."""
    path = path_text(uri)
    if path in str(error):
        return error
    named = PachonError(f"{path}: {error}")
    named.__cause__ = error
    return named
