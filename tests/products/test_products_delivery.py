from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import products_parts as parts
import pytest

from bocage.errors import ConfigError
from bocage.products import Delivery, load_schema


def test_names_of_pa(pa: Delivery) -> None:
    tail = "du0014_blacksea_v05ha_eu27_03035_v01_r01_20261122"
    assert pa.name("status", 2021) == f"clms_pa_lcuc_s2021_{tail}"
    assert pa.name("status", 2024) == f"clms_pa_lcuc_s2024_{tail}"
    assert pa.name("change") == f"clms_pa_lcuc_c2021-2024_{tail}"
    assert pa.name("raster", 2021) == f"clms_pa_lcuc_s2021_{tail}".replace("v05ha", "r2p5m")


def test_names_and_folders_of_plain() -> None:
    plain = replace(parts.delivery(), schema=load_schema("plain"))
    assert plain.name("status", 2021) == "my_site_status_2021"
    assert plain.name("change") == "my_site_change_2021-2024"
    assert plain.folder("change") == "change_2021-2024"
    expected = Path("p/raster_2021/my_site_raster_2021.tif")
    assert plain.path("p", "raster", 2021, ".tif") == expected


def test_products_of_one_and_two_years(pa: Delivery) -> None:
    two = [(k, y) for k, y in pa.products()]
    assert two[:3] == [("status", 2021), ("status", 2024), ("change", None)]
    assert len({pa.name(k, y) for k, y in two}) == len(two) == 13
    one = replace(pa, years=(2021,))
    kinds = ["status", "raster", "confidence", "heterogeneity", "lineage", "safe_level"]
    assert [k for k, _ in one.products()] == kinds
    clcplus = replace(one, schema=load_schema("clcplus"))
    assert list(clcplus.products()) == [("raster", 2021)]
    with pytest.raises(ConfigError, match="change layer needs"):
        one.name("change")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "1"}, "'1' is no version"),
        ({"revision": "v01"}, "'v01' is no revision"),
        ({"date": "20261322"}, "'20261322' is no date"),
        ({"years": (2024, 2021)}, r"years \[2024, 2021\]"),
        ({"years": ()}, r"years \[\]"),
    ],
)
def test_wrong_deliveries_are_named(pa: Delivery, change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(pa, **change)


def test_a_year_that_is_not_delivered_is_named(pa: Delivery) -> None:
    with pytest.raises(ConfigError, match="2018 is no status year"):
        pa.name("status", 2018)
