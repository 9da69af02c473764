import pytest

from bocage.errors import InputError
from bocage.grid import list_regions
from bocage.legend import load_legend
from bocage.simulate._canopy import canopy_index
from bocage.simulate._paint import MOST, PATTERNS
from bocage.simulate._tables import (
    BANDS,
    class_table,
    cover_index,
    covers,
    endmembers,
    land_index,
    lands,
    list_landscapes,
    region,
    rules,
)


@pytest.mark.parametrize("name", list_landscapes())
def test_every_region_is_complete(name):
    countryside = region(name)
    assert set(countryside.shares) <= set(land_index())
    assert 80 < sum(countryside.shares.values()) < 120
    assert countryside.biogeographical in list_regions()
    assert countryside.place[0] % 10_000 == countryside.place[1] % 10_000 == 0
    assert len(countryside.snow) == 12
    assert countryside.soil in endmembers()
    for land in lands():
        parts = countryside.mixtures[land.key]
        assert set(parts) <= set(cover_index())
        assert 1 <= len(parts) <= MOST


def test_tables_name_what_exists():
    zones = {"farm", "wild", "basin", "town", "line", "inset", "coast"}
    assert {land.zone for land in lands()} <= zones
    assert {land.pattern for land in lands()} <= set(PATTERNS)
    assert {c.ground for c in covers()} | {c.tint for c in covers()} <= set(endmembers())
    assert {c.canopy for c in covers()} <= set(canopy_index())
    assert all(spectrum.shape == (len(BANDS),) for spectrum in endmembers().values())
    shapes = {"patch", "town", "object", "blob", "beside", "shore"}
    assert {rule.shape for rule in rules()} <= shapes
    assert {r.source for r in rules()} | {r.target for r in rules()} <= set(land_index())


def test_kinds_of_land_are_classes_of_the_legend():
    legend = load_legend("pa")
    table = class_table(legend)
    assert legend.classes[table[land_index()["lake"]] - 1].name.endswith("lakes")
    assert table.min() >= 1
    assert len(set(table.tolist())) == len(legend.classes)


def test_a_coast_differs_from_the_land_behind_it_by_what_is_given():
    inland, coast = region("atlantic"), region("atlantic_coast")
    assert coast.biogeographical == "atlantic"
    assert inland.coast is None
    assert coast.coast.sea > 0.2
    assert coast.crops == inland.crops
    assert coast.shares["heath"] == inland.shares["heath"]
    assert coast.shares["dune"] > inland.shares["dune"]


def test_an_unknown_region_is_named():
    with pytest.raises(InputError, match=r"no region 'atlantis'\s+Remedy: .*continental"):
        region("atlantis")
