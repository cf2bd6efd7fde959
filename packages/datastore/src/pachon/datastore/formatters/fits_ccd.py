# SPDX-License-Identifier: BSD-3-Clause
"""Images with mask, uncertainty, header and WCS."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from io import BytesIO
from typing import Any, BinaryIO, ClassVar

import numpy as np

from pachon.base import FormatError, InvalidInputError, closest
from pachon.datastore.formatter import Formatter
from pachon.datastore.formatters.fits_parts import (
    as_header,
    header_of_file,
    image_index,
    open_fits,
    pixels,
    uncertainty_from_hdu,
    uncertainty_hdu,
    wcs_cards,
    wcs_from_header,
    without_wcs,
)

__all__ = ["RECIPES", "FitsCcdFormatter"]

_LOSSLESS = {"algorithm": "GZIP_2"}
RECIPES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "default": {},
    "noCompression": {},
    "lossless": {"image": _LOSSLESS, "mask": _LOSSLESS, "uncertainty": _LOSSLESS},
}
"""Write recipes that are always there: options of compression for each plane; a plane without any is not compressed."""

_PLANES = ("image", "mask", "uncertainty")
_OPTIONS = ("algorithm", "quantize_level", "dither_seed", "tile_shape")
_ALGORITHMS = ("GZIP_1", "GZIP_2", "RICE_1", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS")


class FitsCcdFormatter(Formatter):
    """An astropy `CCDData` as FITS, laid out as astropy itself does it: image, ``MASK``, ``UNCERT``, ``FLAGS``, ``PSFIMAGE``.

    The components ``image`` (or ``data``), ``mask``, ``uncertainty``, ``header`` and ``wcs`` are read alone. The write
    parameter ``recipe`` names a set of compression options (`RECIPES`, or of the configuration); the image is then in
    an extension ``IMAGE``, since the primary HDU cannot be compressed. Any FITS image is read, too: pixels without a
    unit are taken as ``adu``.
    """

    default_extension: ClassVar[str] = ".fits"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".fits.fz", ".fits.gz", ".fit", ".fts", ".fit.gz"})
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    supported_write_parameters: ClassVar[frozenset[str] | None] = frozenset({"recipe"})
    reads_components: ClassVar[bool] = True
    can_read_from_stream: ClassVar[bool] = True

    @classmethod
    def check_write_parameters(cls, parameters: Mapping[str, Any], recipes: Mapping[str, Any]) -> None:
        super().check_write_parameters(parameters, {})
        for name, planes in recipes.items():
            _check_recipe(name, planes)
        wanted = parameters.get("recipe", "default")
        known = {**RECIPES, **recipes}
        if wanted not in known:
            raise InvalidInputError(f"There is no recipe {wanted!r}.{closest(str(wanted), known)}")

    def to_bytes(self, obj: Any) -> memoryview:
        from astropy.io import fits

        buffer = BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fits.verify.VerifyWarning)
            self._hdus(obj).writeto(buffer, output_verify="fix")
        return buffer.getbuffer()

    def _hdus(self, image: Any) -> Any:
        from astropy.io import fits

        header = as_header(image.meta)
        if image.wcs is not None:
            header = without_wcs(header)
            header.extend(wcs_cards(image.wcs), useblanks=False, update=True)
        header["BUNIT"] = image.unit.to_string()
        recipe = {**RECIPES, **self.write_recipes}[self.write_parameters.get("recipe", "default")]
        if recipe.get("image"):
            hdus = fits.HDUList(
                [fits.PrimaryHDU(header=header), _plane(np.asarray(image.data), None, "IMAGE", recipe["image"])]
            )
        else:
            hdus = fits.HDUList([fits.PrimaryHDU(np.asarray(image.data), header)])
        if image.mask is not None:
            hdus.append(_mask_hdu(np.asarray(image.mask), recipe.get("mask")))
        if image.uncertainty is not None:
            options = recipe.get("uncertainty")
            hdus.append(
                uncertainty_hdu(image.uncertainty, lambda array, cards: _plane(array, cards, "UNCERT", options))
            )
        if image.flags is not None:
            hdus.append(_plane(np.asarray(image.flags), None, "FLAGS", recipe.get("mask")))
        if getattr(image, "psf", None) is not None:
            hdus.append(fits.ImageHDU(image.psf, name="PSFIMAGE"))
        self._note_provenance(hdus[0].header)
        hdus[0].header["NEXTEND"] = (len(hdus) - 1, "Number of extensions")
        return hdus

    def _note_provenance(self, header: Any) -> None:
        """Say in the header which dataset this is and what made it, in place of what is said of where it came from."""
        for keyword in ("PACHON ID", "PACHON QUANTUM"):
            header.remove(keyword, ignore_missing=True)
        if self.provenance is not None and self.ref is not None:
            header["HIERARCH PACHON ID"] = str(self.ref.id)
            if self.provenance.quantum_id is not None:
                header["HIERARCH PACHON QUANTUM"] = str(self.provenance.quantum_id)

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        with open_fits(stream) as hdus:
            if component is None:
                # A file that is cut between two extensions is a good FITS file, of fewer extensions.
                if len(hdus) - 1 < hdus[0].header.get("NEXTEND", 0):
                    raise FormatError(f"it has {len(hdus) - 1} extensions of {hdus[0].header['NEXTEND']}")
                return _read_whole(hdus)
            reader = _COMPONENTS.get(component)
            if reader is None:
                raise InvalidInputError(
                    f"an image has no component {component!r}; it has {', '.join(_COMPONENTS)}.{closest(component, _COMPONENTS)}"
                )
            return reader(hdus)


def _read_whole(hdus: Any) -> Any:
    from astropy.nddata import CCDData

    header = header_of_file(hdus)
    wcs = wcs_from_header(header)
    image = CCDData(
        _read_image(hdus),
        unit=_unit(header),
        mask=_read_mask(hdus),
        uncertainty=_read_uncertainty(hdus),
        meta=without_wcs(header) if wcs is not None else header,
        wcs=wcs,
        flags=pixels(hdus["FLAGS"]) if "FLAGS" in hdus else None,
    )
    if "PSFIMAGE" in hdus:
        image.psf = pixels(hdus["PSFIMAGE"])
    return image


def _read_image(hdus: Any) -> Any:
    data = pixels(hdus[image_index(hdus)])
    if data is None:
        raise FormatError("it has no image")
    return data


def _read_mask(hdus: Any) -> Any:
    if "MASK" not in hdus:
        return None
    mask = pixels(hdus["MASK"])
    return mask if hdus["MASK"].header.get("BITMASK", False) else mask.astype(bool)


def _read_uncertainty(hdus: Any) -> Any:
    return uncertainty_from_hdu(hdus["UNCERT"]) if "UNCERT" in hdus else None


def _read_header(hdus: Any) -> Any:
    header = header_of_file(hdus)
    return without_wcs(header) if header.get("CTYPE1") else header


def _read_wcs(hdus: Any) -> Any:
    return wcs_from_header(header_of_file(hdus))


_COMPONENTS = {
    "image": _read_image,
    "data": _read_image,
    "mask": _read_mask,
    "uncertainty": _read_uncertainty,
    "header": _read_header,
    "wcs": _read_wcs,
}


def _unit(header: Any) -> Any:
    from astropy import units
    from astropy.nddata import CCDData

    text = header.get("BUNIT")
    if text is None:
        return units.adu
    text = str(text).strip()
    known = CCDData.known_invalid_fits_unit_strings
    for spelling in (text, text.lower()):
        if spelling in known:
            return known[spelling]
        try:
            return units.Unit(spelling)
        except ValueError:
            continue
    raise FormatError(f"the unit of its pixels, BUNIT = {text!r}, is not known")


def _mask_hdu(mask: Any, options: Mapping[str, Any] | None) -> Any:
    """Make the HDU of a mask; one of bits (not of truth values) says so."""
    if mask.dtype == bool:
        return _plane(mask.astype(np.uint8), None, "MASK", options)
    hdu = _plane(mask, None, "MASK", options)
    hdu.header["BITMASK"] = (True, "Each bit has a meaning of its own")
    return hdu


def _plane(array: Any, header: Any, name: str, options: Mapping[str, Any] | None) -> Any:
    from astropy.io import fits

    if not options:
        return fits.ImageHDU(array, header, name=name)
    return fits.CompImageHDU(
        array,
        header,
        name=name,
        compression_type=options["algorithm"],
        tile_shape=tuple(options["tile_shape"]) if "tile_shape" in options else None,
        # Zero keeps floating-point pixels exactly; astropy would quantize them by default.
        quantize_level=options.get("quantize_level", 0.0),
        dither_seed=options.get("dither_seed", 0),
    )


def _check_recipe(name: str, planes: object) -> None:
    if not isinstance(planes, Mapping) or not set(planes) <= set(_PLANES):
        raise InvalidInputError(f"Recipe {name!r} must be a mapping of {', '.join(_PLANES)} to options.")
    for plane, options in planes.items():
        if options is not None and not (isinstance(options, Mapping) and set(options) <= set(_OPTIONS)):
            raise InvalidInputError(f"Recipe {name!r}: {plane} takes {', '.join(_OPTIONS)}.")
        if options and options.get("algorithm") not in _ALGORITHMS:
            raise InvalidInputError(f"Recipe {name!r}: the algorithm of {plane} is one of {', '.join(_ALGORITHMS)}.")
