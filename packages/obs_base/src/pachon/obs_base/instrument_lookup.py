# SPDX-License-Identifier: BSD-3-Clause
"""Find an instrument by what a user, a pipeline or a record calls it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pachon.base import InvalidInputError, PachonError, load_plugin, plugin_names
from pachon.obs_base.errors import UnknownInstrumentError
from pachon.obs_base.instrument import Instrument
from pachon.pipe_base.instrument import INSTRUMENT_GROUP, InstrumentNotFoundError, instrument_aliases
from pachon.pipe_base.instrument import find_instrument as find_pipeline_instrument

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["LSST_CLASSES", "find_instrument", "instrument_of_record", "registered_instruments"]

LSST_CLASSES: Mapping[str, str] = {"lsst.obs.nickel.Nickel": "nickel"}
"""Class names that export files and pipelines of LSST write, and the instruments that they mean here.

Entry point of ``pachon.instrument_aliases``.
"""

_log = logging.getLogger(__name__)


def registered_instruments() -> dict[str, type[Instrument]]:
    """Give the installed instruments by registered name; one that cannot be imported is logged and left out."""
    found = {}
    for name in plugin_names(INSTRUMENT_GROUP):
        try:
            found[name] = _load(name)
        except PachonError as error:
            _log.warning("Instrument %s is left out: %s", name, error)
    return found


def find_instrument(name: str, *, butler: Butler | None = None) -> Instrument:
    """Give an instrument.

    Parameters
    ----------
    name
        Registered name, LSST class name (alias), short name (value of the dimension
        ``instrument``), or dotted path of a class of the caller's own.
    butler
        Repository whose instrument records are asked for a short name that no installed
        instrument has.

    Raises
    ------
    UnknownInstrumentError
        If there is none; the message lists those that are known.
    InvalidInputError
        If the name stands for something that is no instrument of this package.
    """
    try:
        found = find_pipeline_instrument(name)
    except InstrumentNotFoundError as error:
        by_name = _find_by_short_name(name, butler)
        if by_name is None:
            raise (error if "." in name else _unknown(name)) from None
        return by_name
    if not isinstance(found, Instrument):
        raise InvalidInputError(
            f"{name!r} has no camera and no filters, which are needed here; it is for pipelines only."
        )
    return found


def instrument_of_record(name: str, class_name: str) -> Instrument:
    """Give the instrument that a record of a repository names; nothing but installed plug-ins is imported.

    Raises
    ------
    UnknownInstrumentError
        If the record's class is not installed here.
    """
    registered = instrument_aliases().get(class_name, class_name)
    if registered not in plugin_names(INSTRUMENT_GROUP):
        raise _unknown(f"{name} ({class_name})")
    return _load(registered)()


def _find_by_short_name(name: str, butler: Butler | None) -> Instrument | None:
    for instrument in registered_instruments().values():
        if instrument.name == name:
            return instrument()
    if butler is not None:
        for record in butler.fetch_records("instrument"):
            if record.name == name:
                return instrument_of_record(name, str(record.class_name))
    return None


def _unknown(name: str) -> UnknownInstrumentError:
    return UnknownInstrumentError(name, plugin_names(INSTRUMENT_GROUP))


def _load(registered: str) -> type[Instrument]:
    plugin = load_plugin(INSTRUMENT_GROUP, registered)
    if not (isinstance(plugin, type) and issubclass(plugin, Instrument)):
        raise InvalidInputError(f"Plug-in {registered!r} of {INSTRUMENT_GROUP!r} is no instrument but {plugin!r}.")
    return plugin
