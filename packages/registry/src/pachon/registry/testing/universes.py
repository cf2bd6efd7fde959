# SPDX-License-Identifier: BSD-3-Clause
"""Universes which share no word with the default one: nothing may depend on its names."""

from __future__ import annotations

from pachon.dimensions import DimensionUniverse

__all__ = ["fibre_universe", "library_universe"]

_FIBRES = """
version: 3
namespace: fibres
skypix:
  common: healpix4
  healpix: {class: lsst.sphgeom.HealpixPixelization, max_level: 8}
elements:
  spectrograph:
    doc: An instrument that is fed by fibres.
    governor: true
    keys: [{name: name, type: string, length: 16}]
    metadata: [{name: fibre_count, type: int, nullable: false}]
  arm:
    doc: A range of wavelengths, the values that gratings name.
    keys: [{name: name, type: string, length: 16}]
    implied_union_target: grating
  grating:
    requires: [spectrograph]
    implies: [arm]
    is_cached: true
    keys: [{name: name, type: string, length: 32}]
    metadata: [{name: lines_per_mm, type: float}]
  fibre:
    requires: [spectrograph]
    is_cached: true
    keys: [{name: id, type: int}, {name: label, type: string, length: 8}]
    metadata: [{name: broken, type: bool}]
  field:
    doc: An area of the sky; it belongs to no governor.
    keys: [{name: id, type: int}]
    metadata: [{name: title, type: string, length: 64}]
  plate:
    requires: [spectrograph]
    keys: [{name: id, type: int}]
    metadata: [{name: checksum, type: hash, nbytes: 8}]
  spectrum:
    doc: One shot through a plate.
    requires: [spectrograph]
    implies: [plate, grating]
    keys: [{name: id, type: int}]
    metadata: [{name: seeing, type: float}]
  shift:
    doc: Half a night; it belongs to no governor.
    keys: [{name: name, type: string, length: 32}]
  fibre_target:
    doc: Which fibre of a plate looks at something.
    requires: [plate, fibre]
    always_join: true
    populated_by: plate
    metadata: [{name: target, type: string, length: 64}]
topology:
  spatial:
    plates: [plate]
    fields: [field]
  temporal:
    shots: [spectrum]
    shifts: [shift]
"""

_LIBRARY = """
version: 1
namespace: library
skypix:
  common: htm2
  htm: {class: lsst.sphgeom.HtmPixelization, max_level: 3}
elements:
  branch:
    governor: true
    keys: [{name: code, type: string, length: 8}]
    metadata: [{name: open_since, type: int}]
  author:
    keys: [{name: id, type: int}, {name: full_name, type: string, length: 64}]
  book:
    requires: [branch]
    implies: [author, genre]
    keys: [{name: shelf_mark, type: string, length: 32}, {name: isbn, type: hash, nbytes: 13}]
    metadata: [{name: pages, type: int}, {name: weight, type: float}, {name: lent, type: bool}]
  genre:
    keys: [{name: name, type: string, length: 32}]
    implied_union_target: book
  reader:
    requires: [branch]
    keys: [{name: card, type: int}]
  loan:
    requires: [book, reader]
    metadata: [{name: fine, type: float}]
topology:
  temporal:
    loans: [loan]
"""


def fibre_universe() -> DimensionUniverse:
    """Give the universe of a fibre spectrograph: regions and times that belong to no governor, a union, a join."""
    return DimensionUniverse.from_yaml(_FIBRES)


def library_universe() -> DimensionUniverse:
    """Give a universe without any astronomy."""
    return DimensionUniverse.from_yaml(_LIBRARY)
