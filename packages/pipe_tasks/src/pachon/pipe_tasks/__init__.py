# SPDX-License-Identifier: BSD-3-Clause
"""CCD tasks on public libraries: from raw frames to calibrated, registered and coadded images and catalogues."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.pipe_tasks.background import Background, estimate_background
    from pachon.pipe_tasks.camera import Camera, Detector, PixelBox
    from pachon.pipe_tasks.coadd_catalog import catalog_coadd
    from pachon.pipe_tasks.combination import combine_frames
    from pachon.pipe_tasks.instrument_signature import raw_to_electrons, remove_signature
    from pachon.pipe_tasks.mask_planes import MaskPlane
    from pachon.pipe_tasks.master_calibrations import master_bias, master_dark, master_flat, scale_flats
    from pachon.pipe_tasks.photometric_calibration import ZeroPointSettings, visit_zero_point
    from pachon.pipe_tasks.photometry import blank_aperture_noise, measure_photometry
    from pachon.pipe_tasks.registration import RegistrationSettings, StarList, VisitRegistration, register_visits
    from pachon.pipe_tasks.resampling import resample
    from pachon.pipe_tasks.sky_map import SkyMap
    from pachon.pipe_tasks.source_catalog import SourceSettings, make_source_catalog
    from pachon.pipe_tasks.source_detection import SourceFlag
    from pachon.pipe_tasks.stacking import Stack, stack_warps
    from pachon.pipe_tasks.standard_stars import read_standard_stars
    from pachon.pipe_tasks.star_matching import match_stars, vote_offset
    from pachon.pipe_tasks.tasks.bias import BiasTask
    from pachon.pipe_tasks.tasks.characterize import CharacterizeTask
    from pachon.pipe_tasks.tasks.coadd import CoaddTask
    from pachon.pipe_tasks.tasks.dark import DarkTask
    from pachon.pipe_tasks.tasks.detect_coadd import DetectCoaddTask
    from pachon.pipe_tasks.tasks.flat import FlatTask
    from pachon.pipe_tasks.tasks.isr import IsrTask
    from pachon.pipe_tasks.tasks.registration import RegistrationTask
    from pachon.pipe_tasks.tasks.scale_flats import ScaleFlatsTask
    from pachon.pipe_tasks.tasks.summary import SummaryTask
    from pachon.pipe_tasks.tasks.warp import WarpTask
    from pachon.pipe_tasks.tasks.zero_point import ZeroPointTask
    from pachon.pipe_tasks.visit_image import characterize_image

__all__ = [
    "Background",
    "BiasTask",
    "Camera",
    "CharacterizeTask",
    "CoaddTask",
    "DarkTask",
    "DetectCoaddTask",
    "Detector",
    "FlatTask",
    "IsrTask",
    "MaskPlane",
    "PixelBox",
    "RegistrationSettings",
    "RegistrationTask",
    "ScaleFlatsTask",
    "SkyMap",
    "SourceFlag",
    "SourceSettings",
    "Stack",
    "StarList",
    "SummaryTask",
    "VisitRegistration",
    "WarpTask",
    "ZeroPointSettings",
    "ZeroPointTask",
    "blank_aperture_noise",
    "catalog_coadd",
    "characterize_image",
    "combine_frames",
    "estimate_background",
    "make_source_catalog",
    "master_bias",
    "master_dark",
    "master_flat",
    "match_stars",
    "measure_photometry",
    "raw_to_electrons",
    "read_standard_stars",
    "register_visits",
    "remove_signature",
    "resample",
    "scale_flats",
    "stack_warps",
    "visit_zero_point",
    "vote_offset",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Background": "pachon.pipe_tasks.background",
        "BiasTask": "pachon.pipe_tasks.tasks.bias",
        "Camera": "pachon.pipe_tasks.camera",
        "CharacterizeTask": "pachon.pipe_tasks.tasks.characterize",
        "CoaddTask": "pachon.pipe_tasks.tasks.coadd",
        "DarkTask": "pachon.pipe_tasks.tasks.dark",
        "DetectCoaddTask": "pachon.pipe_tasks.tasks.detect_coadd",
        "Detector": "pachon.pipe_tasks.camera",
        "FlatTask": "pachon.pipe_tasks.tasks.flat",
        "IsrTask": "pachon.pipe_tasks.tasks.isr",
        "MaskPlane": "pachon.pipe_tasks.mask_planes",
        "PixelBox": "pachon.pipe_tasks.camera",
        "RegistrationSettings": "pachon.pipe_tasks.registration",
        "RegistrationTask": "pachon.pipe_tasks.tasks.registration",
        "ScaleFlatsTask": "pachon.pipe_tasks.tasks.scale_flats",
        "SkyMap": "pachon.pipe_tasks.sky_map",
        "SourceFlag": "pachon.pipe_tasks.source_detection",
        "SourceSettings": "pachon.pipe_tasks.source_catalog",
        "Stack": "pachon.pipe_tasks.stacking",
        "StarList": "pachon.pipe_tasks.registration",
        "SummaryTask": "pachon.pipe_tasks.tasks.summary",
        "VisitRegistration": "pachon.pipe_tasks.registration",
        "WarpTask": "pachon.pipe_tasks.tasks.warp",
        "ZeroPointSettings": "pachon.pipe_tasks.photometric_calibration",
        "ZeroPointTask": "pachon.pipe_tasks.tasks.zero_point",
        "blank_aperture_noise": "pachon.pipe_tasks.photometry",
        "catalog_coadd": "pachon.pipe_tasks.coadd_catalog",
        "characterize_image": "pachon.pipe_tasks.visit_image",
        "combine_frames": "pachon.pipe_tasks.combination",
        "estimate_background": "pachon.pipe_tasks.background",
        "make_source_catalog": "pachon.pipe_tasks.source_catalog",
        "master_bias": "pachon.pipe_tasks.master_calibrations",
        "master_dark": "pachon.pipe_tasks.master_calibrations",
        "master_flat": "pachon.pipe_tasks.master_calibrations",
        "match_stars": "pachon.pipe_tasks.star_matching",
        "measure_photometry": "pachon.pipe_tasks.photometry",
        "raw_to_electrons": "pachon.pipe_tasks.instrument_signature",
        "read_standard_stars": "pachon.pipe_tasks.standard_stars",
        "register_visits": "pachon.pipe_tasks.registration",
        "remove_signature": "pachon.pipe_tasks.instrument_signature",
        "resample": "pachon.pipe_tasks.resampling",
        "scale_flats": "pachon.pipe_tasks.master_calibrations",
        "stack_warps": "pachon.pipe_tasks.stacking",
        "visit_zero_point": "pachon.pipe_tasks.photometric_calibration",
        "vote_offset": "pachon.pipe_tasks.star_matching",
    },
)
