"""xsar mixes up noise vectors, and gives cells the noise of their centres.

- In range vectors have pixels of their own, as more of them lie at the edges of sub-swaths, which
  move along track. ``safe_s1.sentinel1_xml_mappings.noise_lut_range_raw`` cuts all to the length of
  the shortest and lays them on the pixels of the first; xsar then takes the nearest vector in
  azimuth. In an EW GRDM product of 2022 that makes the last column of sigma0 NaN, and 8 % of the
  cells of HV more than 0.1 dB wrong, the worst by 9 dB; in an IW product of IPF 2.70 some of VH, by
  up to 3 dB.
- ``Sentinel1Dataset._lazy_load_luts`` hands a function to dask that looks at the loop's variable
  ``pol`` when it is computed, when that is the last polarisation. So VV has the azimuth noise of
  VH, about 1 % off.
- Where sub-swaths begin or end one after the other, vectors are 0 beyond; blended with these, noise
  is too low for hundreds of lines, by up to 3 dB of VH.
- A cell across two sub-swaths has the noise of one of them.
- Cells whose centre no block of azimuth noise holds get a ``sigma0`` that is NaN: whole rows and
  columns where blocks end a few lines or samples before the image, or before the next block.

Present in xsar 2026.8.31 and xarray-safe-s1 2026.1.23; no report of them was found.

Here the noise of a cell is the mean over its pixels of what is annotated for them
(:mod:`xsar_batch.xsar_fixes.noise_means`): ``noise_lut_azi`` that of the factor along azimuth, and
``noise_lut_range`` what makes the product of both the mean noise. Where noise is annotated for
fewer than half of the pixels, NaN stays, and ``quality_flag`` says ``noise_unknown``.
"""

from collections.abc import Callable, Iterable
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import xsar.sentinel1_dataset
from safe_s1.reader import Sentinel1Reader
from xsar.sentinel1_dataset import Sentinel1Dataset

from xsar_batch.xsar_fixes import groups_left_out, noise_means
from xsar_batch.xsar_fixes.noise_means import Block, Cells, Vector
from xsar_batch.xsar_fixes.patch import Patch

#: A look-up table at lines (n,) and samples (m,): (n, m).
Lut = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: What is made here, in this order: name -> where xsar has what is annotated for it.
_RAW = {"noise_lut_range": "get_noise_range_raw", "noise_lut_azi": "get_noise_azi_raw"}

_plain = Sentinel1Dataset._lazy_load_luts


def _lazy_load_luts(self: Any, luts_names: Iterable[str]) -> xr.Dataset:
    # What xsar makes of noise is not even begun: it takes 0.04 s of CPU.
    luts = _plain(self, [name for name in luts_names if name not in _RAW])
    # Looked up now: another workaround may have replaced it.
    lazy = xsar.sentinel1_dataset.map_blocks_coords
    made = {pol: dict(zip(_RAW, _luts(self, pol), strict=True)) for pol in luts["pol"].values}
    for name in [name for name in luts_names if name in _RAW]:
        template = self._da_tmpl.astype(self._dtypes[name])
        layers = [lazy(template, made[pol][name], name=f"{name}_{pol}").data for pol in made]
        history = getattr(self.sar_meta, _RAW[name]).attrs["history"]
        luts[name] = (("pol", "line", "sample"), da.stack(layers), {"history": history})
    return luts


def _raw(name: str, compound: str, times: int) -> Patch:
    """A group of the tree that only xsar's noise is made of. For who does not ask for the tree,
    it tells no more than where noise is annotated, which saves another 0.03 s of CPU; as many
    ``times`` as xsar tells it, once for each variable of range."""
    plain = vars(Sentinel1Reader)[name]

    def group(self: Any) -> xr.Dataset:
        if not groups_left_out.are_left_out():
            return plain.__get__(self)
        described = (
            self.xml_parser.get_compound_var(file, compound, describe=True)
            for file in self.files["noise"]
            for _ in range(times)
        )
        return xr.Dataset(attrs={"history": "\n".join(described)})

    return Patch(Sentinel1Reader, name, property(group))


def _luts(self: Any, pol: str) -> tuple[Lut, Lut]:
    """Noise in range, and along azimuth."""
    reader = self.sar_meta.reader
    image = reader.datatree["image"]  # not `reader.image`, which is made anew each time
    size = int(image["numberOfLines"]), int(image["numberOfSamples"])
    known = list(zip(*reader.get_noise_azi_initial_parameters(pol), strict=True))
    # Stripmap, and IPF before 2.90: there is no factor, and sub-swaths are not told apart.
    whole = ("", np.array([0]), 0, size[0] - 1, 0, size[1] - 1, np.ones(1))
    blocks = noise_means.reaching([Block(*block) for block in known or [whole]], size)
    swaths = noise_means.parts(_vectors(reader, pol), blocks)
    cell = reader.cell["line"], reader.cell["sample"]

    def cells(lines: np.ndarray, samples: np.ndarray) -> Cells:
        first = (round(at[0] - (n - 1) / 2) for at, n in zip((lines, samples), cell, strict=True))
        return Cells(tuple(first), (lines.size, samples.size), cell)

    def across(lines: np.ndarray, samples: np.ndarray) -> np.ndarray:
        here = cells(lines, samples)
        return noise_means.noise(swaths, blocks, here) / noise_means.factor(blocks, here)

    def along(lines: np.ndarray, samples: np.ndarray) -> np.ndarray:
        return noise_means.factor(blocks, cells(lines, samples))

    return across, along


def _vectors(reader: Any, pol: str) -> list[Vector]:
    """By line, in order."""
    (file,) = reader.files["noise"][reader.files["polarization"] == pol]
    lines, pixels, values = (
        reader.xml_parser.get_var(file, f"noise.range.{key}")
        for key in ("line", "sample", "noiseLut")
    )
    at, order = np.unique(lines, return_index=True)
    return [Vector(line, pixels[k], values[k]) for line, k in zip(at.tolist(), order, strict=True)]


PATCHES = (
    Patch(Sentinel1Dataset, "_lazy_load_luts", _lazy_load_luts),
    _raw("get_noise_range_raw", "noise_lut_range_raw", 2),
    _raw("get_noise_azi_raw", "noise_lut_azi_raw_grd", 1),
)
