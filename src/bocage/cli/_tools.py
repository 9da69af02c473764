"""Commands that call a single room."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bocage.cli._output import AsJson, give, table
from bocage.errors import ConfigError
from bocage.legend import load_legend

catalog_app = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(catalog_app, name="catalog", help="STAC catalogues of images.")
    for command in (superres, generalize, check):
        app.command()(command)


@catalog_app.callback()
def _catalog() -> None:
    """STAC catalogues of images."""


@catalog_app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Folder of GeoTIFF images.")],
    out: Annotated[Path, typer.Option(help="The catalogue file to write.")],
    collection: Annotated[str, typer.Option(help="Id of the collection.")] = "sentinel-2-l2a",
    config: Annotated[
        Path | None, typer.Option(help="YAML with bands, scale, offset, nodata, mask …")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A static STAC catalogue from a folder of GeoTIFFs.

    One multi-band file a date, or one file a band; optional SCL or mask files.
    """
    from bocage.imagery import build_catalog

    path = build_catalog(folder, out, collection=collection, config=config)
    give({"catalog": str(path)}, as_json=as_json, text=str(path))


def superres(
    image: Annotated[Path, typer.Argument(help="GeoTIFF with bands of 10 m.", metavar="IN.tif")],
    out: Annotated[Path, typer.Option(help="The 2.5 m GeoTIFF to write.")],
    backend: Annotated[
        str,
        typer.Option(
            help="default, lmmse, bicubic, shared_detail, onnx:FILE.yaml, sen2sr:FOLDER or "
            "opensr-mamba."
        ),
    ] = "default",
    psf_mtf: Annotated[
        str | None,
        typer.Option(help="Modulation transfer at Nyquist of bands: B02=0.25,B03=0.3."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="An HTML page to write: quality, flags, pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Super-resolve one image from 10 m to 2.5 m."""
    from bocage.rasters import read_raster, write_geotiff
    from bocage.superres import judge, superresolve_image, write_report

    source = read_raster(image, what="image")
    transfer = _band_numbers(psf_mtf or "", "--psf-mtf")
    result = superresolve_image(source, backend=backend, psf_mtf=transfer)
    write_geotiff(out, result, nodata=result.attrs.get("nodata"))
    note = result.attrs.get("superres_note", "")
    said: dict[str, Any] = {"image": str(out), "backend": result.attrs["backend"], "note": note}
    if report is not None:
        judged = judge(source, result, backend, psf_mtf=transfer)
        said |= {"report": str(write_report(report, image.name, source, result, judged))}
        said |= {"quality": judged.as_dict()}
        note = "; ".join(filter(None, [note, *judged.flags]))
    give(said, as_json=as_json, text=f"{out}{f' ({note})' if note else ''}")


def _band_numbers(text: str, option: str) -> dict[str, float]:
    """Numbers of bands, as in ``B02=0.25,B03=0.3``."""
    found = {}
    for part in filter(None, text.split(",")):
        band, _, value = part.partition("=")
        try:
            found[band.strip()] = float(value)
        except ValueError:
            raise ConfigError(
                f"{option}: {part} is not BAND=NUMBER", remedy="write B02=0.25,B03=0.3"
            ) from None
    return found


def generalize(
    classes: Annotated[Path, typer.Argument(help="Categorical raster.", metavar="CLASSES.tif")],
    out: Annotated[Path, typer.Option(help="The GeoPackage to write.")],
    second: Annotated[
        Path | None, typer.Argument(help="The same for a second year.", metavar="[SECOND_YEAR.tif]")
    ] = None,
    legend: Annotated[
        str | None, typer.Option(help="pa or a CSV file; without it, a class per value.")
    ] = None,
    mmu: Annotated[float, typer.Option(help="Minimum mapping unit, ha.")] = 0.5,
    mmw: Annotated[float, typer.Option(help="Minimum mapping width, m.")] = 10.0,
    rules: Annotated[str | None, typer.Option(help="pa, plain, or a YAML file.")] = None,
    aoi: Annotated[Path | None, typer.Option(help="Polygons to map in.")] = None,
    linear: Annotated[Path | None, typer.Option(help="Lines to draw and keep.")] = None,
    frozen: Annotated[
        Path | None, typer.Option(help="Polygons (code) to keep exactly as they are.")
    ] = None,
    scales: Annotated[
        str | None, typer.Option(help="Mapping units, ha, a layer each: 0.5,5,25.")
    ] = None,
    attributes: Annotated[
        bool, typer.Option("--attributes", help="Add purity, second class, displacement …")
    ] = False,
    tile: Annotated[
        int | None,
        typer.Option(help="Work in tiles of this many pixels a side, for rasters of any size."),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that work on tiles.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Turn a categorical raster into a clean polygon coverage; two rasters into class pairs."""
    from bocage.generalize import GeneralizeSettings, Tiling, generalize_files, load_rules

    tiles = None
    if tile is not None or workers > 1:
        tiles = Tiling(workers=workers) if tile is None else Tiling(tile, workers=workers)
    known = load_legend(legend) if legend else None
    named = rules or ("pa" if known is not None and known.id == "pa" else "plain")
    settings = GeneralizeSettings(mmu_ha=mmu, mmw_m=mmw, rules=load_rules(named))
    result = generalize_files(
        classes,
        second,
        out,
        legend=known,
        settings=settings,
        aoi=aoi,
        linear=linear,
        scales=None if scales is None else _hectares(scales),
        attributes=attributes,
        tiles=tiles,
        frozen=frozen,
    )
    give({"out": str(out), **result}, as_json=as_json, text=f"{out}: {result}")


def _hectares(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is no list of hectares such as 0.5,5,25") from error


def check(
    files: Annotated[
        list[Path], typer.Argument(help="Delivery: .zip, .gpkg, .parquet, .fgb, .gdb, .tif")
    ],
    product: Annotated[str, typer.Option(help="Id of a product, or a product YAML.")],
    boundary: Annotated[Path | None, typer.Option(help="boundary_pa.gpkg of the unit.")] = None,
    status: Annotated[
        list[Path] | None,
        typer.Option(help="Status layer to hold a change layer against: first year, second year."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report with maps.")] = None,
    faults: Annotated[Path | None, typer.Option(help="Write faults as a GeoPackage.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a delivery is right, step by step; exit code 1 when it is not."""
    from bocage.products import check as run_check

    found = run_check(files, product, boundary=boundary, statuses=status or ())
    if report is not None:
        found.write_html(report)
    if faults is not None:
        found.write_faults(faults)
    give(found.to_dict(), as_json=as_json)
    if not as_json:
        head = ("step", "outcome", "faults", "message")
        rows = ((s.name, s.outcome, s.faults, "; ".join(s.messages[:3])) for s in found.steps)
        table(head, rows, f"{product}: {'passed' if found.passed else 'FAULTS'}")
    if not found.passed:
        raise typer.Exit(1)
