# SPDX-License-Identifier: BSD-3-Clause
"""The data butler: repositories of datasets, kept consistent between registry and datastore."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.butler.backup import Backup as Backup
    from pachon.butler.backup import restore_repository as restore_repository
    from pachon.butler.butler import Butler as Butler
    from pachon.butler.errors import ClosedButlerError as ClosedButlerError
    from pachon.butler.errors import CommitUnknownError as CommitUnknownError
    from pachon.butler.errors import DatasetNotFoundError as DatasetNotFoundError
    from pachon.butler.errors import ForeignRepositoryError as ForeignRepositoryError
    from pachon.butler.errors import NotTransactionalError as NotTransactionalError
    from pachon.butler.errors import RepositoryConfigError as RepositoryConfigError
    from pachon.butler.errors import RepositoryExistsError as RepositoryExistsError
    from pachon.butler.errors import RepositoryNotFoundError as RepositoryNotFoundError
    from pachon.butler.errors import RetrievalConflictError as RetrievalConflictError
    from pachon.butler.errors import UnstoredDatasetsError as UnstoredDatasetsError
    from pachon.butler.errors import WriterEndedError as WriterEndedError
    from pachon.butler.fsck.report import Finding as Finding
    from pachon.butler.fsck.report import FindingKind as FindingKind
    from pachon.butler.fsck.report import FsckReport as FsckReport
    from pachon.butler.get import DatasetUris as DatasetUris
    from pachon.butler.graph_outputs import MissingOutputsError as MissingOutputsError
    from pachon.butler.query import Query as Query
    from pachon.butler.query_results import DataIdQueryResult as DataIdQueryResult
    from pachon.butler.query_results import DatasetQueryResult as DatasetQueryResult
    from pachon.butler.query_results import GeneralQueryResult as GeneralQueryResult
    from pachon.butler.query_results import RecordQueryResult as RecordQueryResult
    from pachon.butler.relocation import relocate_repository as relocate_repository
    from pachon.butler.repository_index import get_known_repositories as get_known_repositories
    from pachon.butler.repository_location import has_repository as has_repository

__all__ = [
    "Backup",
    "Butler",
    "ClosedButlerError",
    "CommitUnknownError",
    "DataIdQueryResult",
    "DatasetNotFoundError",
    "DatasetQueryResult",
    "DatasetUris",
    "Finding",
    "FindingKind",
    "ForeignRepositoryError",
    "FsckReport",
    "GeneralQueryResult",
    "MissingOutputsError",
    "NotTransactionalError",
    "Query",
    "RecordQueryResult",
    "RepositoryConfigError",
    "RepositoryExistsError",
    "RepositoryNotFoundError",
    "RetrievalConflictError",
    "UnstoredDatasetsError",
    "WriterEndedError",
    "get_known_repositories",
    "has_repository",
    "relocate_repository",
    "restore_repository",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Butler": "pachon.butler.butler",
        "ClosedButlerError": "pachon.butler.errors",
        "DataIdQueryResult": "pachon.butler.query_results",
        "DatasetNotFoundError": "pachon.butler.errors",
        "DatasetQueryResult": "pachon.butler.query_results",
        "GeneralQueryResult": "pachon.butler.query_results",
        "Query": "pachon.butler.query",
        "DatasetUris": "pachon.butler.get",
        "ForeignRepositoryError": "pachon.butler.errors",
        "MissingOutputsError": "pachon.butler.graph_outputs",
        "NotTransactionalError": "pachon.butler.errors",
        "RecordQueryResult": "pachon.butler.query_results",
        "RepositoryConfigError": "pachon.butler.errors",
        "RepositoryExistsError": "pachon.butler.errors",
        "RepositoryNotFoundError": "pachon.butler.errors",
        "RetrievalConflictError": "pachon.butler.errors",
        "get_known_repositories": "pachon.butler.repository_index",
        "has_repository": "pachon.butler.repository_location",
        "CommitUnknownError": "pachon.butler.errors",
        "Finding": "pachon.butler.fsck.report",
        "FindingKind": "pachon.butler.fsck.report",
        "FsckReport": "pachon.butler.fsck.report",
        "UnstoredDatasetsError": "pachon.butler.errors",
        "WriterEndedError": "pachon.butler.errors",
        "Backup": "pachon.butler.backup",
        "relocate_repository": "pachon.butler.relocation",
        "restore_repository": "pachon.butler.backup",
    },
)
