# SPDX-License-Identifier: BSD-3-Clause
"""The data model: dimensions, data IDs, records, time spans, regions and sky pixels."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.dimensions.categorical import Categorical as Categorical
    from pachon.dimensions.categorical import combine_codes as combine_codes
    from pachon.dimensions.column import Column as Column
    from pachon.dimensions.data_id import DataCoordinate as DataCoordinate
    from pachon.dimensions.data_id import DataIdValueError as DataIdValueError
    from pachon.dimensions.data_id import InconsistentDataIdError as InconsistentDataIdError
    from pachon.dimensions.data_id_table import DataIdTable as DataIdTable
    from pachon.dimensions.data_id_table import match_rows as match_rows
    from pachon.dimensions.element import DimensionElement as DimensionElement
    from pachon.dimensions.packer import DimensionPacker as DimensionPacker
    from pachon.dimensions.record import DimensionRecord as DimensionRecord
    from pachon.dimensions.record_table import NULL_NS as NULL_NS
    from pachon.dimensions.record_table import RecordTable as RecordTable
    from pachon.dimensions.region import Region as Region
    from pachon.dimensions.region import region_from_bytes as region_from_bytes
    from pachon.dimensions.region import region_to_bytes as region_to_bytes
    from pachon.dimensions.relations import AmbiguousOverlapError as AmbiguousOverlapError
    from pachon.dimensions.relations import OverlapJoin as OverlapJoin
    from pachon.dimensions.relations import automatic_overlaps as automatic_overlaps
    from pachon.dimensions.skypix import envelope_ranges as envelope_ranges
    from pachon.dimensions.skypix import touching_pixels as touching_pixels
    from pachon.dimensions.timespan import Timespan as Timespan
    from pachon.dimensions.universe import DimensionGroup as DimensionGroup
    from pachon.dimensions.universe import DimensionUniverse as DimensionUniverse
    from pachon.dimensions.universe import InconsistentUniverseError as InconsistentUniverseError
    from pachon.dimensions.universe import UnknownDimensionError as UnknownDimensionError

__all__ = [
    "NULL_NS",
    "AmbiguousOverlapError",
    "Categorical",
    "Column",
    "DataCoordinate",
    "DataIdTable",
    "DataIdValueError",
    "DimensionElement",
    "DimensionGroup",
    "DimensionPacker",
    "DimensionRecord",
    "DimensionUniverse",
    "InconsistentDataIdError",
    "InconsistentUniverseError",
    "OverlapJoin",
    "RecordTable",
    "Region",
    "Timespan",
    "UnknownDimensionError",
    "automatic_overlaps",
    "combine_codes",
    "envelope_ranges",
    "match_rows",
    "region_from_bytes",
    "region_to_bytes",
    "touching_pixels",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "NULL_NS": "pachon.dimensions.record_table",
        "AmbiguousOverlapError": "pachon.dimensions.relations",
        "Categorical": "pachon.dimensions.categorical",
        "Column": "pachon.dimensions.column",
        "DataCoordinate": "pachon.dimensions.data_id",
        "DataIdTable": "pachon.dimensions.data_id_table",
        "DataIdValueError": "pachon.dimensions.data_id",
        "DimensionElement": "pachon.dimensions.element",
        "DimensionGroup": "pachon.dimensions.universe",
        "DimensionPacker": "pachon.dimensions.packer",
        "DimensionRecord": "pachon.dimensions.record",
        "DimensionUniverse": "pachon.dimensions.universe",
        "InconsistentDataIdError": "pachon.dimensions.data_id",
        "InconsistentUniverseError": "pachon.dimensions.universe",
        "OverlapJoin": "pachon.dimensions.relations",
        "RecordTable": "pachon.dimensions.record_table",
        "Region": "pachon.dimensions.region",
        "Timespan": "pachon.dimensions.timespan",
        "UnknownDimensionError": "pachon.dimensions.universe",
        "automatic_overlaps": "pachon.dimensions.relations",
        "combine_codes": "pachon.dimensions.categorical",
        "envelope_ranges": "pachon.dimensions.skypix",
        "touching_pixels": "pachon.dimensions.skypix",
        "match_rows": "pachon.dimensions.data_id_table",
        "region_from_bytes": "pachon.dimensions.region",
        "region_to_bytes": "pachon.dimensions.region",
    },
)
