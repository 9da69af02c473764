"""Real Sentinel-2 scenes at 10 m, ten bands where the data have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.rasters import read_onto, wrap
from bocage.superres import native_sizes, sharpen_images, sharpen_native

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TEN = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
SPLIT = 864
"""Column of the Gers chip (10 m) from which on it is held out."""

_FOUR = ("B02", "B03", "B04", "B08")
_SIX = ("B05", "B06", "B07", "B8A", "B11", "B12")
_BOADELLA = ("B01", *TEN[:8], "B09", *TEN[8:])
_STEPS = 2  # of sharpening, in training and in judging alike
_CLEAR = (4, 5, 6, 7)
_COVERED = (0, 3, 8, 9, 10)
_FEW = 0.02
_CLOUDY = ("20200113", "20200118", "20200123")


@dataclass(frozen=True, eq=False)
class Scene:
    """One date: float32 (band, y, x) reflectance at 10 m, the 20 m bands sharpened."""

    name: str
    image: NDArray[np.float32]
    bands: tuple[str, ...]

    def select(self, bands: tuple[str, ...]) -> Scene:
        """The scene with these bands only."""
        chosen = [self.bands.index(b) for b in bands]
        return Scene(self.name, np.ascontiguousarray(self.image[chosen]), bands)


def _read(path: Path) -> tuple[NDArray[np.float32], GeoBox]:
    with rasterio.open(path) as source:
        return source.read().astype(np.float32) / 10000, GeoBox.from_rio(source)


def _pair(folder: Path, fine: str, coarse: str, columns: slice = slice(None)) -> Scene:
    """10 m and 20 m files of one scene, joined by their georeference, in these 10 m columns."""
    images = []
    for name, bands in ((fine, _FOUR), (coarse, _SIX)):
        values, box = _read(folder / name)
        # The chip without georeference has grids that start at the same corner.
        box = box if box.crs else GeoBox(box.shape, box.affine, "EPSG:32650")
        images.append(wrap(values, box, dims=("band", "y", "x"), band=list(bands)))
    joined = sharpen_images(images[0].isel(x=columns), images[1], steps=_STEPS)
    return Scene(folder.name, joined.values, (*_FOUR, *_SIX)).select(TEN)


def gers(data: Path = DATA, columns: slice = slice(None)) -> Scene:
    """The chip, or some of its columns; its 20 m grid is shifted by 10 m."""
    stem = "S2L2A_20181023"
    return _pair(data / "s2_gers_20181023", f"{stem}_10m.tif", f"{stem}_20m.tif", columns)


def arid(data: Path = DATA) -> Scene:
    """The L1C chip of Western Australia."""
    stem = "S2B_MSIL1C_20171022_T49JGM"
    return _pair(data / "s2_l1c_chips", f"{stem}_10m.tif", f"{stem}_20m.tif")


def _resampled(path: Path, bands: tuple[str, ...], wanted: tuple[str, ...]) -> Scene:
    values, _ = _read(path)
    scene = Scene(path.stem, values, bands).select(wanted)
    sharp = sharpen_native(scene.image, wanted, native_sizes(wanted), steps=_STEPS)
    return Scene(path.stem, sharp.image, wanted)


def flanders(data: Path = DATA, clear: float = 0.98) -> Iterator[Scene]:
    """Dates that are clear by their scene classification."""
    for path in sorted((data / "s2_flanders_2018").glob("S2L2A_????????.tif")):
        with rasterio.open(path.with_name(f"{path.stem}_SCL.tif")) as source:
            if np.isin(source.read(1), _CLEAR).mean() < clear:
                continue
        yield _resampled(path, (*_FOUR, *_SIX), TEN)


def boadella(data: Path = DATA) -> Iterator[Scene]:
    """The nine dates that are neither cloudy nor hazy."""
    for path in sorted((data / "s2_boadella_2020_2022").glob("S2L2A_*.tif")):
        if path.stem[-8:] not in _CLOUDY:
            yield _resampled(path, _BOADELLA, TEN)


def belgium(data: Path = DATA) -> Iterator[Scene]:
    """The monthly composites that have data; there is no B8A."""
    nine = tuple(b for b in TEN if b != "B8A")
    for path in sorted((data / "s2_belgium_monthly_2021").glob("S2_monthly_*.tif")):
        with rasterio.open(path) as source:
            if (source.read(1) == source.nodata).any():
                continue
        yield _resampled(path, nine, nine)


def virtual(folder: Path, most: int = 8) -> Iterator[Scene]:
    """All but cloudless dates, spread over the year, of an area that ``bocage simulate`` made."""
    clear = []
    for item in sorted(folder.glob("catalog/S2*")):
        with rasterio.open(item / "SCL.tif") as source:
            inner = source.read(1)[_inner(source.shape, 1)]
        if np.isin(inner, _COVERED).mean() <= _FEW:
            clear.append(item)
    if clear:
        for place in np.unique(np.linspace(0, len(clear) - 1, most).round().astype(int)):
            yield _virtual_date(clear[place])


def _inner(shape: tuple[int, int], times: int) -> tuple[slice, slice]:
    """The middle three fifths of an image, in whole 20 m pixels: its rim is empty."""
    rows, columns = (slice(times * (n // 5), times * (n - n // 5)) for n in shape)
    return rows, columns


def _virtual_date(item: Path) -> Scene:
    images = []
    for bands, times in ((_FOUR, 2), (_SIX, 1)):
        read = [_read(item / f"{b}.tif") for b in bands]
        values = np.concatenate([v for v, _ in read])
        whole = wrap(values, read[0][1], dims=("band", "y", "x"), band=list(bands))
        rows, columns = _inner((values.shape[1] // times, values.shape[2] // times), times)
        images.append(whole.isel(y=rows, x=columns))
    joined = sharpen_images(*images, steps=_STEPS)
    return Scene(f"{item.parents[1].name} {item.name}", joined.values, (*_FOUR, *_SIX)).select(TEN)


def gers_east(data: Path = DATA) -> Iterator[Scene]:
    """The part of the Gers chip that training never sees."""
    yield gers(data, slice(SPLIT, None))


def gers_plain(data: Path) -> Iterator[Scene]:
    """The held-out part with its 20 m pixels repeated on the grid of 10 m."""
    folder = data / "s2_gers_20181023"
    values, box = _read(folder / "S2L2A_20181023_10m.tif")
    coarse = [
        read_onto(folder / "S2L2A_20181023_20m.tif", box, band=i + 1).values / 10000
        for i in range(len(_SIX))
    ]
    whole = np.concatenate([values, np.stack(coarse).astype(np.float32)])
    # The 20 m image ends 10 m before the 10 m image.
    inner = np.ascontiguousarray(whole[:, 1:, SPLIT:-1])
    yield Scene("gers_east", inner, (*_FOUR, *_SIX))


def boadella_plain(data: Path) -> Iterator[Scene]:
    """The dates as they are."""
    for scene in boadella(data):
        path = data / "s2_boadella_2020_2022" / f"{scene.name}.tif"
        yield Scene(scene.name, _read(path)[0], _BOADELLA).select(TEN)


def belgium_plain(data: Path) -> Iterator[Scene]:
    """The composites as they are."""
    for scene in belgium(data):
        path = data / "s2_belgium_monthly_2021" / f"{scene.name}.tif"
        yield Scene(scene.name, _read(path)[0], scene.bands)


PLAIN: dict[str, Callable[[Path], Iterator[Scene]]] = {
    "gers_east": gers_plain,
    "boadella": boadella_plain,
    "belgium_monthly": belgium_plain,
}
"""The held-out sets with the 20 m bands as they are delivered, repeated to 10 m."""

HELD_OUT: dict[str, Callable[[Path], Iterator[Scene]]] = {
    "gers_east": gers_east,
    "boadella": boadella,
    "belgium_monthly": belgium,
}
