# SPDX-License-Identifier: BSD-3-Clause
"""Find an instrument by what a user, a pipeline or a record calls it."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

from pachon.base import InvalidInputError, PachonError, load_plugin, plugin_names
from pachon.obs_base.errors import UnknownInstrumentError
from pachon.obs_base.instrument import Instrument

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["find_instrument", "instrument_of_record", "registered_instruments"]

GROUP = "pachon.instruments"

LSST_CLASSES = {"lsst.obs.nickel.Nickel": "nickel"}
"""Class names that export files and pipelines of LSST write, and the instruments that they mean here."""

_log = logging.getLogger(__name__)


def registered_instruments() -> dict[str, type[Instrument]]:
    """Give the installed instruments by registered name; one that cannot be imported is logged and left out."""
    found = {}
    for name in plugin_names(GROUP):
        try:
            found[name] = _load(name)
        except PachonError as error:
            _log.warning("Instrument %s is left out: %s", name, error)
    return found


def find_instrument(name: str, *, butler: Butler | None = None, collection_prefix: str | None = None) -> Instrument:
    """Give an instrument.

    Parameters
    ----------
    name
        Registered name, LSST class name of the alias table, short name (value of the dimension
        ``instrument``), or dotted path of a class of the caller's own.
    butler
        Repository whose instrument records are asked for a short name that no installed
        instrument has.
    collection_prefix
        What its collections begin with, if not its name.

    Raises
    ------
    UnknownInstrumentError
        If there is none; the message lists those that are known.
    InvalidInputError
        If a dotted path names something else.
    """
    registered = LSST_CLASSES.get(name, name)
    if registered in plugin_names(GROUP):
        return _load(registered)(collection_prefix)
    known = registered_instruments()
    for instrument in known.values():
        if instrument.name == name:
            return instrument(collection_prefix)
    if butler is not None and (class_name := _class_name_in(butler, name)) is not None:
        return instrument_of_record(name, class_name, collection_prefix=collection_prefix)
    if "." in name:
        return _import(name)(collection_prefix)
    raise UnknownInstrumentError(name, tuple(sorted({*known, *(one.name for one in known.values())})))


def instrument_of_record(name: str, class_name: str, *, collection_prefix: str | None = None) -> Instrument:
    """Give the instrument that a record of a repository names; nothing but installed plug-ins is imported.

    Raises
    ------
    UnknownInstrumentError
        If the record's class is not installed here.
    """
    registered = LSST_CLASSES.get(class_name, class_name)
    if registered not in plugin_names(GROUP):
        raise UnknownInstrumentError(f"{name} ({class_name})", plugin_names(GROUP))
    return _load(registered)(collection_prefix)


def _class_name_in(butler: Butler, name: str) -> str | None:
    for record in butler.fetch_records("instrument"):
        if record.name == name:
            return str(record.class_name)
    return None


def _load(registered: str) -> type[Instrument]:
    plugin = load_plugin(GROUP, registered)
    if not (isinstance(plugin, type) and issubclass(plugin, Instrument)):
        raise InvalidInputError(f"Plug-in {registered!r} of {GROUP!r} is no instrument but {plugin!r}.")
    return plugin


def _import(path: str) -> type[Instrument]:
    module_name, _, attribute = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInputError(f"Instrument {path!r} cannot be imported: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, Instrument)):
        raise InvalidInputError(f"{path!r} is no instrument class.")
    return found
