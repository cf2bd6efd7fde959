# SPDX-License-Identifier: BSD-3-Clause
"""The configuration of a repository: ``butler.yaml`` as a value.

The file is our own format, which ``docs/formats/repository.md`` describes. It says where the database and the files are, and
what the administrator set; everything else stays default, so that defaults can get better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import yaml

from pachon.base import FormatError, InvalidInputError
from pachon.base.hidden_secrets import hide_secrets
from pachon.base.plain_shape import Fields, fits
from pachon.base.plain_yaml import load_plain_yaml
from pachon.butler.errors import ForeignRepositoryError, RepositoryConfigError
from pachon.datastore import BUTLER_ROOT, DatastoreConfig, DatastoreConfigError

__all__ = [
    "DATABASE_NAME",
    "DEFAULT_DATABASE",
    "FORMAT_VERSION",
    "RepositoryConfig",
    "config_text",
    "replace_root",
]

FORMAT_VERSION: Final = 1
DATABASE_NAME: Final = "registry.sqlite3"
DEFAULT_DATABASE: Final = f"sqlite:///{BUTLER_ROOT}/{DATABASE_NAME}"

_HEADER: Final = "# A data repository of pachon. 'butler config-dump' shows these settings and all defaults.\n"


DOCUMENT: Final = Fields(
    {
        "pachon": lambda value: type(value) is int and value == FORMAT_VERSION,
        "root": (str, None),
        "database": Fields({"url": str, "replica_url": (str, None)}),
        "datastore": {str: object},
        "storage_classes": {str: ({str: object}, None)},
        "allowed_modules": [str],
    },
    required=("pachon",),
)
"""What the file looks like when nothing is wrong with it, sections of others left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryConfig:
    """What ``butler.yaml`` says."""

    database_url: str = DEFAULT_DATABASE
    """SQLAlchemy URL; ``<butlerRoot>`` stands for the folder of the repository."""
    replica_url: str | None = None
    """URL of a copy of a PostgreSQL database, for queries and for clients that only read."""
    datastore: DatastoreConfig
    storage_classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Definitions beside the built-in ones."""
    allowed_modules: tuple[str, ...] = ()
    """Modules that storage classes of this repository may name beside the trusted ones."""
    root: str | None = None
    """The folder that ``<butlerRoot>`` stands for; by default that of ``butler.yaml``."""

    @property
    def group_writable(self) -> bool:
        """Whether the group of the folder may write to the repository, whatever the umask of who makes a file."""
        return bool(getattr(self.datastore, "group_writable", False))

    @classmethod
    def from_text(cls, text: str, source: str) -> RepositoryConfig:
        """Read the text of a ``butler.yaml``.

        Parameters
        ----------
        text
            The file.
        source
            Where it came from, for messages.

        Raises
        ------
        RepositoryConfigError
            If it is no such file; an unknown key is named with the nearest known one.
        ForeignRepositoryError
            If it belongs to LSST's packages or to a newer version.
        """
        try:
            content: Any = load_plain_yaml(text, source)
        except FormatError as error:
            raise RepositoryConfigError(str(error)) from None
        if not isinstance(content, dict):
            raise RepositoryConfigError(f"{source} must be a mapping.")
        return cls.from_document(content, source)

    @classmethod
    def from_document(cls, content: Mapping[str, Any], source: str) -> RepositoryConfig:
        """Read a parsed ``butler.yaml``; raises as `from_text` does."""
        _refuse_foreign(content, source)
        document = dict(content)
        if not fits(document, DOCUMENT):
            # With pydantic, whose import takes a tenth of a second.
            from pachon.butler.repository_document import validate_document

            document = validate_document(document, source)
        database = document.get("database", {})
        return cls(
            database_url=database.get("url", DEFAULT_DATABASE),
            replica_url=database.get("replica_url"),
            datastore=_read_datastore(document.get("datastore", {}), source),
            storage_classes=MappingProxyType({n: d or {} for n, d in document.get("storage_classes", {}).items()}),
            allowed_modules=tuple(document.get("allowed_modules", ())),
            root=document.get("root"),
        )

    def to_document(self, *, complete: bool = False) -> dict[str, Any]:
        """Give the configuration as plain data.

        Parameters
        ----------
        complete
            Write every key; otherwise only what is set.
        """
        document: dict[str, Any] = {"pachon": FORMAT_VERSION}
        if self.root is not None:
            document["root"] = self.root
        document["database"] = {"url": self.database_url}
        if self.replica_url is not None or complete:
            document["database"]["replica_url"] = self.replica_url
        document["datastore"] = self.datastore.to_document(complete=complete)
        if self.storage_classes or complete:
            document["storage_classes"] = {name: dict(item) for name, item in self.storage_classes.items()}
        if self.allowed_modules or complete:
            document["allowed_modules"] = list(self.allowed_modules)
        return document

    def to_text(self, *, complete: bool = False) -> str:
        """Give the text of a ``butler.yaml``."""
        return config_text(self.to_document(complete=complete))


def _read_datastore(section: Mapping[str, Any], source: str) -> DatastoreConfig:
    try:
        return DatastoreConfig.from_document(section)
    except DatastoreConfigError as error:
        error.add_note(f"The datastore is configured in {source}.")
        raise


def config_text(document: Mapping[str, Any]) -> str:
    """Give the text of a ``butler.yaml`` with these keys."""
    return _HEADER + yaml.safe_dump(dict(document), sort_keys=False)


def _refuse_foreign(content: Mapping[str, Any], source: str) -> None:
    version = content.get("pachon")
    if version == FORMAT_VERSION:
        return
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ForeignRepositoryError(
            f"{source} has format version {version}; this pachon reads up to {FORMAT_VERSION}: install a newer one."
        )
    datastore = content.get("datastore")
    if "registry" in content or (isinstance(datastore, Mapping) and "cls" in datastore):
        raise ForeignRepositoryError(
            f"{source} belongs to a repository of LSST's packages, which pachon does not open. Make a repository here with "
            "'butler create', and bring the files in with 'butler ingest-raws' and 'butler ingest-files'."
        )
    raise RepositoryConfigError(f"{source} does not say 'pachon: {FORMAT_VERSION}', so it is no repository of pachon.")


def replace_root(text: str, root: str) -> str:
    """Put the folder of the repository in place of ``<butlerRoot>``.

    Raises
    ------
    InvalidInputError
        If the text is a database URL of SQLite and the folder is not local.
    """
    if BUTLER_ROOT in text and text.startswith("sqlite"):
        if "://" in root:
            raise InvalidInputError(
                f"SQLite needs a local file; {hide_secrets(root)} is not local: give another database URL."
            )
        root = quote(root)
    return text.replace(BUTLER_ROOT, root.rstrip("/"))
