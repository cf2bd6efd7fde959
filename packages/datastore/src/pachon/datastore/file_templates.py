# SPDX-License-Identifier: BSD-3-Clause
"""The templates of a datastore: which one applies to a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pachon.datasets import DatasetRef, DatasetType
from pachon.datastore.default_templates import DEFAULT_TEMPLATES
from pachon.datastore.errors import DatastoreConfigError
from pachon.datastore.final_path import final_path
from pachon.datastore.lookup_key import LookupKey, LookupTable
from pachon.datastore.template import FileTemplate
from pachon.datastore.write_token import predicted_token, unique_token
from pachon.dimensions import DimensionUniverse

__all__ = ["FileTemplates"]


class FileTemplates:
    """File templates by lookup key, with a default.

    Parameters
    ----------
    templates
        What the configuration adds to, or puts in place of, `DEFAULT_TEMPLATES`: template text by key, or
        ``instrument<NAME>: {key: text}``.
    universe
        Where the dimension names of keys are looked up.
    new_token
        Makes the write token of each new file.
    """

    def __init__(
        self,
        templates: Mapping[str, object],
        universe: DimensionUniverse,
        new_token: Callable[[], str] = unique_token,
    ) -> None:
        self._new_token = new_token
        merged = {**DEFAULT_TEMPLATES, **templates}
        default = merged.pop("default")
        self._adapts = "default" not in templates
        """Whether the default is the built-in one, which knows the default dimensions only."""
        self.default = _template(default, "templates.default")
        self.table: LookupTable[FileTemplate] = LookupTable.parse(merged, universe, _template, where="templates")
        self._defaults: dict[DatasetType, FileTemplate] = {}
        """The default as it suits each dataset type that was met."""
        self._suitable: dict[tuple[DatasetType, str | None], FileTemplate] = {}
        """What was found, and checked, for each dataset type and instrument."""

    def find(self, ref: DatasetRef) -> FileTemplate:
        """Give the template of a dataset, checked against its dataset type.

        Raises
        ------
        TemplateError
            If the template does not suit the dataset type.
        """
        asked = ref.dataset_type, self.table.scope_of(ref)
        template = self._suitable.get(asked)
        if template is None:
            template = self._choose(*asked)
            template.check_dataset_type(ref.dataset_type)
            self._suitable[asked] = template
        return template

    def unique_path(self, ref: DatasetRef, extension: str) -> str:
        """Make the final path of a new file; every call gives another one."""
        return final_path(self.find(ref).format(ref), self._new_token(), extension)

    def predicted_path(self, ref: DatasetRef, extension: str) -> str:
        """Give the path that follows from the dataset's id, for an output of a quantum graph."""
        return final_path(self.find(ref).format(ref), predicted_token(ref.id), extension)

    def check(self, dataset_type: DatasetType, instrument: str | None = None) -> None:
        """Check that the template which applies to a dataset type suits it.

        Raises
        ------
        TemplateError
            If it does not.
        """
        self._choose(dataset_type, instrument).check_dataset_type(dataset_type)

    def keys(self) -> tuple[LookupKey, ...]:
        """Give all keys but the default."""
        return tuple(key for key, _ in self.table.items())

    def _choose(self, dataset_type: DatasetType, instrument: str | None) -> FileTemplate:
        found = self.table.find(dataset_type, instrument)
        if found is not None:
            return found[1]
        known = self._defaults.get(dataset_type)
        if known is None:
            known = self._defaults[dataset_type] = self._default_for(dataset_type)
        return known

    def _default_for(self, dataset_type: DatasetType) -> FileTemplate:
        missing = self.default.missing_dimensions(dataset_type) if self._adapts else ()
        if not missing:
            return self.default
        # Other universes, and rarer dimensions of the default one: their values are put before the run.
        more = "".join(f"_{{{name}}}" for name in missing)
        return FileTemplate(f"{self.default.text.removesuffix('_{run}')}{more}_{{run}}")


def _template(written: object, where: str) -> FileTemplate:
    if not isinstance(written, str):
        raise DatastoreConfigError(f"{where} must be a file template, not {written!r}.")
    return FileTemplate(written)
