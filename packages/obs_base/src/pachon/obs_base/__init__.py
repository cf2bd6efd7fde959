# SPDX-License-Identifier: BSD-3-Clause
"""Instruments, raw ingest, visits, curated calibrations and sky maps."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.obs_base.box import Box
    from pachon.obs_base.camera import Camera, Detector
    from pachon.obs_base.collection_names import CollectionNames
    from pachon.obs_base.curated.write import write_curated_calibrations
    from pachon.obs_base.curated_type import CuratedType
    from pachon.obs_base.errors import (
        HeaderError,
        IngestError,
        NotFitsError,
        TruncatedFitsError,
        UnknownFilterError,
        UnknownInstrumentError,
    )
    from pachon.obs_base.filters import FilterDefinition, FilterDefinitions
    from pachon.obs_base.instrument import Instrument, RawDefinition
    from pachon.obs_base.instrument_lookup import find_instrument
    from pachon.obs_base.observation import translate_header
    from pachon.obs_base.raw.formatter import RawFormatter
    from pachon.obs_base.raw.ingest import RawIngestOptions, ingest_raws
    from pachon.obs_base.skymap.kinds import make_sky_map
    from pachon.obs_base.skymap.register import register_sky_map
    from pachon.obs_base.skymap.sky_map import SkyMap
    from pachon.obs_base.skymap.tract import Patch, Tract
    from pachon.obs_base.visit_region import BoresightRegion, CircleRegion
    from pachon.obs_base.visits.define import VisitOptions, define_visits

__all__ = [
    "BoresightRegion",
    "Box",
    "Camera",
    "CircleRegion",
    "CollectionNames",
    "CuratedType",
    "Detector",
    "FilterDefinition",
    "FilterDefinitions",
    "HeaderError",
    "IngestError",
    "Instrument",
    "NotFitsError",
    "Patch",
    "RawDefinition",
    "RawFormatter",
    "RawIngestOptions",
    "SkyMap",
    "Tract",
    "TruncatedFitsError",
    "UnknownFilterError",
    "UnknownInstrumentError",
    "VisitOptions",
    "define_visits",
    "find_instrument",
    "ingest_raws",
    "make_sky_map",
    "register_sky_map",
    "translate_header",
    "write_curated_calibrations",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "BoresightRegion": "pachon.obs_base.visit_region",
        "Box": "pachon.obs_base.box",
        "Camera": "pachon.obs_base.camera",
        "CircleRegion": "pachon.obs_base.visit_region",
        "CollectionNames": "pachon.obs_base.collection_names",
        "CuratedType": "pachon.obs_base.curated_type",
        "Detector": "pachon.obs_base.camera",
        "FilterDefinition": "pachon.obs_base.filters",
        "FilterDefinitions": "pachon.obs_base.filters",
        "HeaderError": "pachon.obs_base.errors",
        "IngestError": "pachon.obs_base.errors",
        "Instrument": "pachon.obs_base.instrument",
        "NotFitsError": "pachon.obs_base.errors",
        "Patch": "pachon.obs_base.skymap.tract",
        "RawDefinition": "pachon.obs_base.instrument",
        "RawFormatter": "pachon.obs_base.raw.formatter",
        "RawIngestOptions": "pachon.obs_base.raw.ingest",
        "SkyMap": "pachon.obs_base.skymap.sky_map",
        "Tract": "pachon.obs_base.skymap.tract",
        "TruncatedFitsError": "pachon.obs_base.errors",
        "UnknownFilterError": "pachon.obs_base.errors",
        "UnknownInstrumentError": "pachon.obs_base.errors",
        "VisitOptions": "pachon.obs_base.visits.define",
        "define_visits": "pachon.obs_base.visits.define",
        "find_instrument": "pachon.obs_base.instrument_lookup",
        "ingest_raws": "pachon.obs_base.raw.ingest",
        "make_sky_map": "pachon.obs_base.skymap.kinds",
        "register_sky_map": "pachon.obs_base.skymap.register",
        "translate_header": "pachon.obs_base.observation",
        "write_curated_calibrations": "pachon.obs_base.curated.write",
    },
)
