# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty
from astropy.wcs import WCS

from pachon.base import InvalidInputError
from pachon.datasets import FileDataset
from pachon.datastore import DatasetReadError
from pachon.datastore.testing.formatter_suite import FormatterSuite


def wcs():
    made = WCS(naxis=2)
    made.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    made.wcs.crval = [279.5, 0.5]
    made.wcs.crpix = [20, 15]
    made.wcs.cd = [[-1e-4, 1e-6], [1e-6, 1e-4]]
    made.wcs.set()
    return made


def sip_wcs():
    header = wcs().to_header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    for name in ("A", "B"):
        header[f"{name}_ORDER"] = 2
        header[f"{name}_2_0"] = 1e-6
    return WCS(header)


def image(**changes):
    random = np.random.default_rng(1)
    data = random.normal(100, 5, (30, 40)).astype(np.float32)
    header = fits.Header({"OBJECT": "SA 111", "EXPTIME": 12.5})
    header["HIERARCH LONG KEYWORD"] = "x" * 20
    header["HISTORY"] = "made by hand"
    options = {
        "unit": u.electron,
        "mask": data > 110,
        "uncertainty": VarianceUncertainty(np.full(data.shape, 25, dtype=np.float32)),
        "wcs": wcs(),
        "meta": header,
        **changes,
    }
    return CCDData(options.pop("data", data), **options)


def same_array(found, given):
    if found is None or given is None:
        return found is given
    found, given = np.asarray(found), np.asarray(given)
    return (
        found.dtype == given.dtype
        and found.dtype.isnative
        and np.array_equal(found, given, equal_nan=found.dtype.kind == "f")
    )


def same_wcs(found, given):
    if found is None or given is None:
        return found is given
    x, y = [0, 10, 39], [0, 20, 29]
    return np.allclose(found.all_pix2world(x, y, 0), given.all_pix2world(x, y, 0), rtol=0, atol=1e-10)


def same_uncertainty(found, given):
    if found is None or given is None:
        return found is given
    return type(found) is type(given) and same_array(found.array, given.array) and found.unit == given.unit


class TestFitsCcd(FormatterSuite):
    formatter = "fits_ccd"
    storage_class = "CCDData"
    unwritable = (image(meta={"KEY": [1, 2]}), image(meta={"KEY": {"a": 1}}))

    def examples(self):
        return [
            image(),
            image(mask=None, uncertainty=None, wcs=None, meta={}),
            image(uncertainty=StdDevUncertainty(np.ones((30, 40))), meta={"A": 1, "B": None, "C": np.float64(2)}),
            image(uncertainty=InverseVariance(np.ones((30, 40))), unit=u.dimensionless_unscaled),
            image(mask=np.arange(1200, dtype=np.int32).reshape(30, 40), unit=u.adu / u.s),
            image(data=np.arange(1200, dtype=np.uint16).reshape(30, 40), uncertainty=None, wcs=sip_wcs()),
            image(data=np.full((30, 40), np.nan), flags=np.ones((30, 40), dtype=np.int16)),
        ]

    def is_same(self, found, given):
        keywords = {key.upper(): value for key, value in dict(given.meta).items() if key not in ("HISTORY", "BUNIT")}
        return (
            same_array(found.data, given.data)
            and same_array(found.mask, given.mask)
            and same_array(found.flags, given.flags)
            and same_uncertainty(found.uncertainty, given.uncertainty)
            and same_wcs(found.wcs, given.wcs)
            and found.unit == given.unit
            and all(str(found.meta[key]) == str(value) for key, value in keywords.items() if value is not None)
        )

    def is_same_component(self, component, found, given):
        if component == "wcs":
            return same_wcs(found, given)
        if component == "header":
            return found.tostring() == given.tostring()
        if component == "uncertainty":
            return found is given is None or (type(found) is type(given) and same_array(found.array, given.array))
        return same_array(found, given)

    def test_headers_do_not_grow(self, datastore, ref):
        obj = image()
        headers = []
        for _ in range(3):
            obj = datastore.get(ref, records=datastore.write_many([(obj, ref)]))
            headers.append(obj.meta.tostring())
        assert headers[0] == headers[1] == headers[2]
        assert not {"SIMPLE", "NAXIS", "CTYPE1", "CD1_1", "PC1_1", "EXTEND"} & set(obj.meta)

    def test_history_and_comments(self, datastore, ref):
        found = datastore.get(ref, records=datastore.write_many([(image(), ref)]))
        assert list(found.meta["HISTORY"]) == ["made by hand"]

    def test_astropy_reads_it(self, datastore, ref):
        given = image()
        path = self.file_of(datastore, datastore.write_many([(given, ref)]))
        found = CCDData.read(path)
        assert np.array_equal(found.data, given.data)
        assert np.array_equal(found.mask, given.mask)
        assert same_wcs(found.wcs, given.wcs)
        assert found.unit == given.unit
        assert type(found.uncertainty) is VarianceUncertainty

    def test_components_do_not_touch_the_rest(self, datastore, ref):
        written = datastore.write_many([(image(), ref)])
        path = self.file_of(datastore, written)
        with fits.open(path, mode="update") as hdus:
            hdus["UNCERT"].header["UTYPE"] = "nonsense"
            start = hdus["UNCERT"].fileinfo()["datLoc"]
        content = Path(path).read_bytes()
        Path(path).write_bytes(content[:start].ljust(len(content), b"\xff"))
        mask = ref.with_dataset_type(ref.dataset_type.component_type("mask", datastore.storage_classes))
        assert np.array_equal(datastore.get(mask, records=written), image().mask)

    def test_parts_of_remote_files_are_read_by_ranges(self, example_data, ref):
        datastore = self.open("memory://fits-ccd-ranges/root", example_data)
        written = datastore.write_many([(image(), ref)])
        header = ref.with_dataset_type(ref.dataset_type.component_type("header", datastore.storage_classes))
        assert datastore.get(header, records=written)["OBJECT"] == "SA 111"

    def test_as_array(self, datastore, ref):
        written = datastore.write_many([(image(), ref)])
        assert same_array(datastore.get(ref, records=written, storage_class="NumpyArray"), image().data)

    @pytest.mark.parametrize(
        ("bunit", "unit"), [(None, u.adu), ("ADU", u.adu), ("ELECTRONS", u.electron), ("electron/s", u.electron / u.s)]
    )
    def test_foreign_files(self, tmp_path, datastore, ref, bunit, unit):
        header = fits.Header({"OBJECT": "flat", **({} if bunit is None else {"BUNIT": bunit})})
        fits.PrimaryHDU(np.arange(6, dtype=np.int16).reshape(2, 3), header).writeto(tmp_path / "raw.fits")
        records = datastore.ingest_files([FileDataset("raw.fits", refs=ref)], transfer=None)
        found = datastore.get(ref, records=records)
        assert found.unit == unit
        assert np.array_equal(found.data, np.arange(6).reshape(2, 3))
        assert found.meta["OBJECT"] == "flat"
        assert found.wcs is None

    def test_image_in_an_extension(self, tmp_path, datastore, ref):
        primary = fits.PrimaryHDU(header=fits.Header({"OBJECT": "flat", "EXPTIME": 1.0}))
        extension = fits.ImageHDU(np.ones((2, 3)), fits.Header({"EXPTIME": 2.0}), name="CHIP1")
        fits.HDUList([primary, extension]).writeto(tmp_path / "raw.fits")
        records = datastore.ingest_files([FileDataset("raw.fits", refs=ref)], transfer=None)
        found = datastore.get(ref, records=records)
        assert (found.meta["OBJECT"], found.meta["EXPTIME"]) == ("flat", 2.0)
        assert found.shape == (2, 3)

    @pytest.mark.parametrize(
        ("change", "message"),
        [({"BUNIT": "furlong"}, "BUNIT = 'furlong'"), (None, "no image")],
    )
    def test_what_is_no_image(self, tmp_path, datastore, ref, change, message):
        data = None if change is None else np.ones((2, 3))
        fits.PrimaryHDU(data, fits.Header(change or {})).writeto(tmp_path / "raw.fits")
        records = datastore.ingest_files([FileDataset("raw.fits", refs=ref)], transfer=None)
        with pytest.raises(DatasetReadError, match=message):
            datastore.get(ref, records=records)

    def test_provenance(self, datastore, ref):
        from uuid import uuid4

        from pachon.datasets import DatasetProvenance

        quantum = uuid4()
        given = image()
        written = datastore.write_many([(given, ref)], provenance=DatasetProvenance(quantum_id=quantum))
        assert "PACHON ID" not in given.meta
        header = datastore.get(ref, records=written).meta
        assert header["PACHON QUANTUM"] == str(quantum)
        assert header["PACHON ID"] == str(ref.id)
        copy = datastore.write_many([(datastore.get(ref, records=written), ref)])
        assert "PACHON ID" not in datastore.get(ref, records=copy).meta


class TestLossless(TestFitsCcd):
    write_parameters: ClassVar[Any] = {"recipe": "lossless"}

    def test_components_do_not_touch_the_rest(self, datastore, ref):
        pass  # said for files without compression

    def test_astropy_reads_it(self, datastore, ref):
        path = self.file_of(datastore, datastore.write_many([(image(), ref)]))
        with fits.open(path) as hdus:
            assert [hdu.name for hdu in hdus] == ["PRIMARY", "IMAGE", "MASK", "UNCERT"]
            assert hdus["IMAGE"].compression_type == "GZIP_2"

    def test_it_is_smaller(self, tmp_path, example_data, ref):
        flat = image(data=np.ones((300, 400)), mask=np.zeros((300, 400), dtype=bool), uncertainty=None)
        small = self.open(tmp_path, example_data).write_many([(flat, ref)]).row(0).size
        self.write_parameters = {}
        large = self.open(tmp_path, example_data).write_many([(flat, ref)]).row(0).size
        assert small < large / 10


def test_own_recipe(tmp_path):
    from pachon.datastore import Datastore, DatastoreConfig
    from pachon.datastore.testing import ExampleData

    example = ExampleData()
    formatters = {
        "write_recipes": {
            "fits_ccd": {"lossy": {"image": {"algorithm": "RICE_1", "quantize_level": 4.0}, "mask": None}}
        },
        "CCDData": {"formatter": "fits_ccd", "parameters": {"recipe": "lossy"}},
    }
    config = DatastoreConfig.from_document({"formatters": formatters})
    datastore = Datastore.open(config, root=tmp_path, universe=example.universe)
    ref = example.ref(example.dataset_type("pvi", ("visit", "detector"), "CCDData"))
    found = datastore.get(ref, records=datastore.write_many([(image(), ref)]))
    assert np.allclose(found.data, image().data, atol=5)
    assert not np.array_equal(found.data, image().data)


def test_unknown_component_of_the_formatter(tmp_path):
    from pachon.datasets import StorageClasses
    from pachon.datastore import FileDescriptor, load_formatter

    storage_class = StorageClasses.default().get("CCDData")
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(np.ones((2, 2))).writeto(path)
    formatter = load_formatter("fits_ccd")(
        FileDescriptor(write_storage_class=storage_class, read_storage_class=storage_class)
    )
    with open(path, "rb") as stream, pytest.raises(InvalidInputError, match="Did you mean 'wcs'"):
        formatter.read_from_stream(stream, component="wsc", expected_size=-1)
