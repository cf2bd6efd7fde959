# SPDX-License-Identifier: BSD-3-Clause
"""Formatters of parts of images: fits_wcs, fits_header, fits_uncertainty."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import InverseVariance, StdDevUncertainty, UnknownUncertainty, VarianceUncertainty
from astropy.wcs import WCS

from pachon.datasets import FileDataset
from pachon.datastore import DatasetReadError
from pachon.datastore.testing.formatter_suite import FormatterSuite


def wcs(sip=False):
    header = fits.Header()
    header["NAXIS"] = 2
    suffix = "-SIP" if sip else ""
    cards = {
        "CTYPE1": f"RA---TAN{suffix}", "CTYPE2": f"DEC--TAN{suffix}", "CRVAL1": 279.5, "CRVAL2": 0.5,
        "CRPIX1": 20.0, "CRPIX2": 15.0, "CD1_1": -1e-4, "CD1_2": 1e-6, "CD2_1": 1e-6, "CD2_2": 1e-4,
    }  # fmt: skip
    header.update(cards)
    if sip:
        header.update({"A_ORDER": 2, "A_2_0": 1e-6, "B_ORDER": 2, "B_0_2": 2e-6})
    return WCS(header)


def shaped():
    made = wcs()
    made.pixel_shape = (2048, 1024)
    return made


class TestWcs(FormatterSuite):
    formatter = "fits_wcs"
    storage_class = "Wcs"

    def examples(self):
        return [wcs(), wcs(sip=True), shaped()]

    def is_same(self, found, given):
        x, y = [0, 100, 2000], [0, 500, 1000]
        near = np.allclose(found.all_pix2world(x, y, 0), given.all_pix2world(x, y, 0), rtol=0, atol=1e-11)
        return near and found.pixel_shape == given.pixel_shape

    def test_wcs_of_an_image(self, tmp_path, datastore, ref):
        fits.PrimaryHDU(np.ones((2, 2)), wcs().to_header()).writeto(tmp_path / "image.fits")
        records = datastore.ingest_files([FileDataset("image.fits", refs=ref)], transfer=None)
        assert datastore.get(ref, records=records).wcs.ctype[0] == "RA---TAN"

    def test_no_wcs(self, tmp_path, datastore, ref):
        fits.PrimaryHDU(np.ones((2, 2))).writeto(tmp_path / "image.fits")
        records = datastore.ingest_files([FileDataset("image.fits", refs=ref)], transfer=None)
        with pytest.raises(DatasetReadError, match="no coordinate system"):
            datastore.get(ref, records=records)


class TestHeader(FormatterSuite):
    formatter = "fits_header"
    storage_class = "FitsHeader"

    def examples(self):
        header = fits.Header()
        header["OBJECT"] = ("SA 111", "a comment")
        header["BITPIX"] = 16
        header["NAXIS"] = 2
        header["EMPTY"] = ""
        header["NOTHING"] = None
        header["LONGTEXT"] = "x" * 200
        header["HIERARCH ESO DET ID"] = 3
        header["HISTORY"] = "one"
        header["HISTORY"] = "two"
        header["COMMENT"] = "   indented"
        return [header, fits.Header()]

    def is_same(self, found, given):
        return found.tostring() == given.tostring()

    def test_mappings_are_headers(self, datastore, ref):
        written = datastore.write_many([({"OBJECT": "x", "EXPTIME": 1.5}, ref)])
        found = datastore.get(ref, records=written)
        assert (found["OBJECT"], found["EXPTIME"]) == ("x", 1.5)

    def test_header_of_an_image(self, tmp_path, datastore, ref):
        fits.PrimaryHDU(np.ones((2, 2)), fits.Header({"OBJECT": "x"})).writeto(tmp_path / "image.fits")
        records = datastore.ingest_files([FileDataset("image.fits", refs=ref)], transfer=None)
        assert datastore.get(ref, records=records)["OBJECT"] == "x"


class TestUncertainty(FormatterSuite):
    formatter = "fits_uncertainty"
    storage_class = "NDUncertainty"
    unwritable = (UnknownUncertainty(np.ones(3)),)

    def examples(self):
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        return [StdDevUncertainty(array), VarianceUncertainty(array, unit=u.electron**2), InverseVariance(array)]

    def is_same(self, found, given):
        return type(found) is type(given) and np.array_equal(found.array, given.array) and found.unit == given.unit
