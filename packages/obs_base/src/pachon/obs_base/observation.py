# SPDX-License-Identifier: BSD-3-Clause
"""From headers to observation information, by the metadata translators that are installed."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping, MutableMapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from pachon.base import PachonError, load_plugin, plugin_names
from pachon.obs_base.errors import HeaderError

if TYPE_CHECKING:
    from astro_metadata_translator import MetadataTranslator, ObservationInfo

__all__ = ["OPTIONAL_PROPERTIES", "REQUIRED_PROPERTIES", "load_translators", "translate_file", "translate_header"]

Header: TypeAlias = MutableMapping[str, Any]

TRANSLATOR_GROUP = "astro_metadata_translators"
"""Entry-point group of translators: functions that import them."""

REQUIRED_PROPERTIES = frozenset(
    {
        "datetime_begin",
        "datetime_end",
        "detector_num",
        "exposure_group",
        "exposure_id",
        "exposure_time_requested",
        "group_counter_end",
        "group_counter_start",
        "has_simulated_content",
        "instrument",
        "observation_id",
        "observation_type",
        "observing_day",
        "physical_filter",
    }
)
"""Properties without which a file cannot be ingested."""

OPTIONAL_PROPERTIES = frozenset(
    {
        "altaz_begin",
        "boresight_rotation_angle",
        "boresight_rotation_coord",
        "can_see_sky",
        "dark_time",
        "object",
        "observation_counter",
        "observation_reason",
        "observing_day_offset",
        "science_program",
        "tracking_radec",
        "visit_id",
    }
)
"""Properties that are recorded when a header gives them."""

_log = logging.getLogger(__name__)


@cache
def load_translators() -> None:
    """Import the translators of entry points (ours are among them) and of ``METADATA_TRANSLATORS``; done once.

    A translator that cannot be imported is reported in the log and left out.
    """
    for name in plugin_names(TRANSLATOR_GROUP):
        try:
            plugin = load_plugin(TRANSLATOR_GROUP, name)
            if callable(plugin):
                plugin()
        except (PachonError, ImportError) as error:
            _log.warning("Metadata translators %s are left out: %s", name, error)
    for module in filter(None, os.environ.get("METADATA_TRANSLATORS", "").split(":")):
        try:
            importlib.import_module(module)
        except ImportError as error:
            _log.warning("Metadata translators %s (METADATA_TRANSLATORS) are left out: %s", module, error)


def translate_header(
    header: Header, *, path: str, translator: type[MetadataTranslator] | None = None
) -> ObservationInfo:
    """Translate one header.

    Parameters
    ----------
    header
        A FITS header or any mapping of keywords; corrections may change it.
    path
        The file, for translators that look at its name and for messages.
    translator
        The translator to use; found from the header if left out.

    Raises
    ------
    HeaderError
        If no translator knows the header, or it lacks what is required; the message names file and key.
    """
    from astro_metadata_translator import ObservationInfo

    translator = translator or _find_translator(header, path)
    if translator is None:
        raise HeaderError(path, _reason(None, header))
    try:
        return ObservationInfo(
            header,
            filename=path,
            translator_class=translator,
            required=set(REQUIRED_PROPERTIES),
            subset=set(REQUIRED_PROPERTIES | OPTIONAL_PROPERTIES),
            quiet=True,
        )
    except (KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise HeaderError(path, _reason(error, header)) from error


def translate_file(primary: Header, second: Header | None, *, path: str) -> list[tuple[Header, ObservationInfo]]:
    """Translate the headers of a file: one for each detector that it holds.

    Parameters
    ----------
    primary, second
        Headers of the primary HDU and of HDU 1. They are merged (HDU 1 wins) if no translator
        knows the primary alone.
    path
        Local path of the file, which translators of multi-extension files open again.

    Returns
    -------
    list of pairs
        Each header that was translated, and what it says.

    Raises
    ------
    HeaderError
        As `translate_header`; also if the file holds no detector.
    """
    translator = _find_translator(primary, path)
    header = primary
    if translator is None and second is not None:
        header = _merged(primary, second)
        translator = _find_translator(header, path)
    if translator is None:
        raise HeaderError(path, _reason(None, header))
    try:
        headers = list(translator.determine_translatable_headers(path, header))
    except (KeyError, ValueError, OSError) as error:
        raise HeaderError(path, _reason(error, header)) from error
    if not headers:
        raise HeaderError(path, "none of its headers describes a detector.")
    return [(one, translate_header(one, path=path, translator=translator)) for one in headers]


def _find_translator(header: Header, path: str) -> type[MetadataTranslator] | None:
    from astro_metadata_translator import MetadataTranslator

    load_translators()
    try:
        found: type[MetadataTranslator] = MetadataTranslator.determine_translator(header, filename=path)
    except ValueError:
        return None
    return found


def _merged(primary: Header, second: Header) -> Header:
    from astro_metadata_translator import merge_headers

    merged: Header = merge_headers([primary, second], mode="overwrite")
    return merged


def _reason(error: Exception | None, header: Mapping[str, Any]) -> str:
    """Say in one sentence why a header was not translated: which property, which keyword."""
    if error is None:
        given = {key: header[key] for key in ("INSTRUME", "TELESCOP") if key in header}
        if not given:
            return "no translator knows this header: it has neither INSTRUME nor TELESCOP."
        said = ", ".join(f"{key} = {str(value).strip()!r}" for key, value in given.items())
        if "INSTRUME" not in given:
            return f"no translator knows this header: it has no INSTRUME ({said})."
        return f"no translator knows this header ({said})."
    cause = error.__cause__ if error.__cause__ is not None else error
    text = cause.args[0] if isinstance(cause, KeyError) and cause.args else str(cause)
    words = str(error.args[0] if error.args else error).split("'")
    about = f"{words[1]} cannot be found: " if error is not cause and len(words) > 2 else ""
    # Libraries put the cause of a cause on a line of its own.
    return f"{about}{' '.join(str(text).split()).rstrip('.')}."
