"""Which layers show which class of the Protected Areas legend, and where in them."""

from __future__ import annotations

import io
from importlib import resources

import pandas as pd

from bocage.errors import InputError
from bocage.legend import load_legend

LEGEND = "pa"


def sampling_sources(code: int | None = None) -> pd.DataFrame:
    """Rules that find samples of a class in a reference layer.

    Parameters
    ----------
    code
        A code of any level of the legend ``pa``; all classes by default.

    Returns
    -------
    pandas.DataFrame
        One row a rule, in the order of the legend: ``code`` (leaf), ``layer`` (see
        `sampling_layers`; several joined by ``+``), ``rule``, ``reliability`` (3 main source,
        2 second, 1 hint), ``note``.

    Raises
    ------
    InputError
        If the legend lacks the code.
    """
    legend = load_legend(LEGEND)
    table = _table("sampling_sources").rename(columns={"code_4": "code"})
    table = table.astype({"code": "int64", "reliability": "int64"})
    if strange := sorted(set(table["code"]) - set(legend.codes())):
        raise InputError(
            f"sampling_sources.csv: class {strange[0]} is not in the legend '{LEGEND}'",
            remedy="give the rules of the table codes of leaves",
        )
    if code is None:
        return table
    return table[table["code"].isin(legend.leaves(code))].reset_index(drop=True)


def sampling_layers() -> pd.DataFrame:
    """Reference and ancillary layers that `sampling_sources` names.

    Returns
    -------
    pandas.DataFrame
        One row a layer: ``layer``, ``product``, ``field`` (attribute, or what a pixel holds),
        ``values``, ``provenance`` (how these are known), ``note``.
    """
    return _table("sampling_layers")


def _table(name: str) -> pd.DataFrame:
    text = (resources.files("bocage.samples") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
