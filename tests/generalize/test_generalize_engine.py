from __future__ import annotations

import numpy as np
import pytest
import shapely

from bocage.errors import InputError
from bocage.generalize import GeneralizeSettings, generalize, load_rules, undersized
from bocage.generalize._affinity import similarity_table
from bocage.generalize._edges import polygon_graph, unite
from bocage.generalize._merge import enforce
from bocage.generalize._rules import views_of

PLAIN = load_rules("plain")
NORMAL = GeneralizeSettings(rules=PLAIN)


def small(mmu_ha, **more):
    return GeneralizeSettings(mmu_ha=mmu_ha, rules=PLAIN, **more)


def test_a_region_below_the_unit_joins_its_neighbour(toy, raster, square, checker):
    data = np.full((60, 60), 2)
    data[20:47, 20:49] = 5  # 27 × 29 pixels: 0.489 ha
    result = generalize(raster(data), None, toy, NORMAL)
    assert result.frame.code_2021.tolist() == [21]
    data[20:50, 20:50] = 5  # 0.5625 ha
    result = generalize(raster(data), None, toy, NORMAL)
    assert sorted(result.frame.code_2021) == [21, 41]
    checker(result, square(0, 0, 60, 60), mmu_ha=0.5)


def test_the_destination_is_the_most_alike_of_equal_borders(toy, raster):
    data = np.full((60, 90), 2)
    data[:, 50:] = 5
    data[:, 41:50] = 3  # 9 pixels wide, as long a border with 21 as with 41
    result = generalize(raster(data), None, toy, NORMAL)
    assert sorted(result.frame.code_2021) == [21, 41]
    areas = dict(zip(result.frame.code_2021, result.frame.area, strict=True))
    assert areas[21] == pytest.approx(60 * 50 * 6.25, rel=0.01)


def test_small_change_is_no_change(toy, raster, square, checker):
    first = np.full((80, 80), 2)
    second = first.copy()
    second[10:30, 10:30] = 5  # 0.25 ha
    second[40:70, 40:70] = 4  # 0.56 ha
    result = generalize(raster(first, second), None, toy, NORMAL)
    change = result.change()
    assert change[["code_2021", "code_2024"]].values.tolist() == [[21, 31]]
    assert len(result.status(2021)) == 1
    assert sorted(result.status(2024).code) == [21, 31]
    checker(result, square(0, 0, 80, 80), mmu_ha=0.5)


def test_status_polygons_may_be_made_of_pairs_below_the_unit(toy, raster, checker, square):
    # 22 in 2021 has 0.84 ha, 0.56 of which turn into 41: the rest, 0.28 ha of unchanged 22,
    # is too small a polygon of 2024 and must go, whatever the year 2021 would allow.
    first = np.full((100, 100), 2)
    first[20:65, 20:50] = 3
    second = first.copy()
    second[20:50, 20:50] = 5
    result = generalize(raster(first, second), None, toy, NORMAL)
    checker(result, square(0, 0, 100, 100), mmu_ha=0.5)
    assert 22 not in set(result.status(2024).code)


def test_rim_keeps_smaller_polygons_with_the_rules_of_the_product(toy, raster, square):
    data = np.full((60, 60), 2)
    data[:20, 20:40] = 5  # 0.25 ha at the rim
    data[35:55, 20:40] = 5  # 0.25 ha inside
    rules = GeneralizeSettings()
    result = generalize(raster(data), None, toy, rules)
    assert sorted(result.frame.code_2021) == [21, 41]
    report = undersized(result, toy, rules)
    assert report[["view", "code", "exception"]].values.tolist() == [
        ["status_2021", 41, "marginal"]
    ]
    assert set(generalize(raster(data), None, toy, NORMAL).frame.code_2021) == {21}


def test_pieces_of_a_network_and_towns_at_a_road_may_be_smaller(toy, raster):
    rules = GeneralizeSettings()
    data = np.full((120, 160), 2)
    data[:, 55:60] = 4  # a road of 0.375 ha, of which a band 10 m wide has 0.3 ha
    data[40:46, 60:] = 6  # a river that meets it, 0.25 ha as such a band
    data[80:102, 60:80] = 1  # a town of 0.275 ha beside the road
    data[80:102, 20:40] = 1  # and one that is not
    data[10:32, 60:80] = 3  # beside the road, but no town
    result = generalize(raster(data, data), None, toy, rules)
    assert sorted(result.frame.code_2021) == [11, 21, 21, 21, 31, 32]
    assert result.frame.code_2021.equals(result.frame.code_2024)
    report = undersized(result, toy, rules)
    status = report[report["view"] == "status_2024"]
    assert dict(zip(status.code, status.exception, strict=True)) == {
        11: "urban_confined",
        31: "marginal",
        32: "marginal",
    }
    assert len(report) == 6
    x, y = status[["x", "y"]].to_numpy()[0]
    assert result.frame.geometry.contains(shapely.Point(x, y)).sum() == 1


def test_changes_ask_for_neighbours_that_changed_too(toy, raster):
    rules = GeneralizeSettings()
    first = np.full((160, 200), 2)
    road = first.copy()
    road[30:130, 55:60] = 4  # a new road of 0.31 ha
    assert generalize(raster(first, road), None, toy, rules).change().empty
    both = road.copy()
    both[78:83, 60:150] = 6  # and a new canal of 0.28 ha that ends at it
    found = generalize(raster(first, both), None, toy, rules)
    assert sorted(found.change().code_2024) == [31, 32]
    assert set(undersized(found, toy, rules).exception) == {"linear"}
    old = first.copy()
    old[78:83, 60:150] = 6  # an old canal does not make the new road a network change
    assert generalize(raster(old, both), None, toy, rules).change().empty


def test_polygons_are_repaired_in_every_view(toy):
    boxes = shapely.box([0, 80, 120, 160], 0, [80, 120, 160, 240], 100)
    pieces = np.array(boxes)
    views = views_of(2, toy, small(0.5), margin=0.0)
    table = similarity_table(toy)
    cases = [
        # 41 in the second year has 0.4 ha
        ([(2, 2), (2, 5), (2, 2), (2, 2)], [(2, 2)]),
        # 41 has 0.8 ha in the second year, 22 has 0.4 ha in the first: all but the change hold
        ([(2, 2), (3, 5), (2, 5), (2, 2)], [(2, 2), (2, 2), (2, 5)]),
        # both polygons of the years are large enough, what changed is not
        ([(2, 2), (2, 5), (5, 5), (5, 5)], [(2, 2), (5, 5)]),
    ]
    for codes, expected in cases:
        pairs = np.array(codes, np.uint8)
        merged = enforce(polygon_graph(pieces, pairs, np.zeros(4, bool)), views, table)
        shapes = unite(pieces, merged.group)
        assert sorted(map(tuple, merged.codes.tolist())) == expected
        assert shapely.area(shapes).sum() == 24_000


def test_nothing_below_the_unit_is_an_empty_report(toy, raster):
    data = np.full((40, 40), 2)
    result = generalize(raster(data, data), None, toy, NORMAL)
    report = undersized(result, toy, NORMAL)
    assert report.empty
    assert list(report.columns) == ["view", "code", "area_ha", "x", "y", "exception"]


def test_only_the_part_inside_the_area_counts(toy, raster, square, checker):
    data = np.full((100, 100), 2)
    data[30:70, 30:70] = 5  # 1 ha, but only 0.25 ha of it in the area
    area = square(5, 5, 40, 95)
    result = generalize(raster(data), area, toy, NORMAL)
    assert set(result.frame.code_2021) == {21}
    checker(result, area, mmu_ha=0.5)


def test_labels_reach_the_limit_of_the_area(toy, raster, square, checker, outside):
    data = np.full((60, 60), 2)
    data[:, 30:] = 5
    data[:, 55:] = outside
    area = square(0, 0, 66, 60)  # 11 pixels beyond the data, of which 6 beyond the raster
    result = generalize(raster(data), area, toy, NORMAL)
    assert sorted(result.frame.code_2021) == [21, 41]
    checker(result, area, mmu_ha=0.5)
    with pytest.raises(InputError, match="lie more than 4 pixels from any data"):
        generalize(raster(data), area, toy, small(0.5, reach_m=10))


def test_a_ring_in_a_ring(toy, raster, square, checker):
    y, x = np.mgrid[:160, :160]
    distance = np.hypot(y - 79.5, x - 79.5)
    data = np.where(distance < 24, 5, np.where(distance < 40, 3, np.where(distance < 60, 5, 2)))
    result = generalize(raster(data), None, toy, NORMAL)
    checker(result, square(0, 0, 160, 160), mmu_ha=0.5)
    assert sorted(result.frame.code_2021) == [21, 22, 41, 41]
    disc = result.frame[result.frame.code_2021 == 41].area
    assert disc.min() == pytest.approx(np.pi * (24 * 2.5) ** 2, rel=0.02)


def test_an_island_too_small_goes_with_its_hole(toy, raster, square, checker):
    data = np.full((60, 60), 2)
    data[20:30, 20:30] = 5
    data[24:26, 24:26] = 3
    result = generalize(raster(data), None, toy, NORMAL)
    assert len(result.frame) == 1
    assert len(result.frame.geometry[0].interiors) == 0
    checker(result, square(0, 0, 60, 60), mmu_ha=0.5)


def test_one_class_is_one_polygon(toy, raster, square, checker):
    result = generalize(raster(np.full((40, 50), 1)), None, toy, NORMAL)
    assert result.frame.code_2021.tolist() == [11]
    assert result.frame.geometry[0].equals(square(0, 0, 50, 40))


def test_checkerboard_ends(toy, raster, square, checker):
    y, x = np.mgrid[:64, :64]
    for cell in (1, 3, 8):
        data = 2 + ((y // cell + x // cell) % 2)
        result = generalize(raster(data), None, toy, NORMAL)
        checker(result, square(0, 0, 64, 64), mmu_ha=0.5)


def test_nodata_islands(toy, raster, square, checker):
    data = np.full((120, 120), 2)
    data[10:50, 10:50] = 0  # 1 ha: stays
    data[80:90, 80:90] = 0  # goes
    result = generalize(raster(data), None, toy, NORMAL)
    assert sorted(result.frame.code_2021) == [0, 21]
    checker(result, square(0, 0, 120, 120), mmu_ha=0.5)


def test_an_area_below_the_unit_keeps_one_polygon_and_says_so(toy, raster, square, checker):
    data = np.full((30, 30), 2)
    data[:, 20:] = 5
    area = shapely.union_all([square(2, 2, 22, 22), square(24, 24, 28, 28)])
    result = generalize(raster(data), area, toy, NORMAL)
    assert sorted(result.frame.code_2021) == [21, 41]
    checker(result, area, mmu_ha=0.5)
    assert undersized(result, toy, NORMAL).exception.tolist() == ["", ""]


def test_a_hole_and_parts_of_the_area(toy, raster, square, checker):
    rng = np.random.default_rng(3)
    data = rng.integers(1, 6, (20, 20)).repeat(8, axis=0).repeat(8, axis=1)
    area = shapely.difference(
        shapely.buffer(square(70, 70, 90, 90), 150, quad_segs=3), square(60, 60, 80, 80.4)
    )
    area = shapely.union_all([area, square(0, 0, 8, 8), square(10, 2.2, 13, 150)])
    result = generalize(raster(data, data.T), area, toy, small(0.1))
    checker(result, area, mmu_ha=0.1)


def test_drawn_lines_are_not_given_away(toy, raster, square):
    data = np.full((200, 60), 2)
    data[:, 28:32] = 4
    data[:, 32:] = 3
    without = generalize(raster(data), None, toy, GeneralizeSettings(rules=PLAIN))
    assert sorted(without.frame.code_2021) == [21, 22]  # 200 × 4 pixels are 0.5 ha at most
    wide = np.full((260, 60), 2)
    wide[:, 28:32] = 4
    wide[:, 32:] = 3
    wide[100:110, 20:28] = 5  # a speck beside the road goes to the land, not to the road
    locked = raster(np.where(wide == 4, 4, 0)).isel(year=0, drop=True)
    kept = generalize(raster(wide), None, toy, NORMAL, locked=locked)
    areas = dict(zip(kept.frame.code_2021, kept.frame.area, strict=True))
    assert set(areas) == {21, 22, 31}
    assert areas[31] == pytest.approx(260 * 4 * 6.25, rel=0.01)


def test_narrow_strips_go_to_both_sides_unless_linear(toy, raster):
    data = np.full((300, 61), 2)
    data[:, 28:31] = 5  # 7.5 m
    data[:, 31:] = 3
    result = generalize(raster(data), None, toy, NORMAL)
    assert sorted(result.frame.code_2021) == [21, 22]
    data[:, 28:31] = 4
    result = generalize(raster(data), None, toy, NORMAL)
    assert sorted(result.frame.code_2021) == [21, 22, 31]
    data[:, 28:31] = 5
    result = generalize(raster(data), None, toy, small(0.5, mmw_m=0))
    assert sorted(result.frame.code_2021) == [21, 22, 41]


def test_stairs_become_slanting_lines(toy, raster, square):
    y, x = np.mgrid[:80, :80]
    data = np.where(x > y, 2, 5)
    result = generalize(raster(data), None, toy, small(0.5, mmw_m=0))
    border = shapely.intersection(*result.frame.geometry)
    assert shapely.length(border) == pytest.approx(np.hypot(200, 200), rel=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.astype("int32"), "is int32"),
        (lambda r: r.rename(y="row"), "has the dims"),
        (lambda r: r.drop_vars(["spatial_ref", "x", "y"]), "no georeference"),
        (lambda r: r.where(r != 2, 77), "class index 77"),
        (lambda r: r.where(r != 2, 255), "no classified pixel"),
    ],
)
def test_wrong_rasters_are_named(toy, raster, change, message):
    with pytest.raises(InputError, match=message):
        generalize(change(raster(np.full((9, 9), 2))), None, toy, NORMAL)


def test_wrong_areas_are_named(toy, raster, square):
    data = raster(np.full((9, 9), 2))
    for area, message in [
        (shapely.LineString([(0, 0), (1, 1)]), "is a LineString"),
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "Self-intersection"),
        (shapely.Polygon(), "is empty"),
        (square(500, 500, 520, 520), "lies outside the class raster"),
    ]:
        with pytest.raises(InputError, match=message):
            generalize(data, area, toy, NORMAL)
    with pytest.raises(InputError, match="not on the grid of the classes"):
        generalize(data, None, toy, NORMAL, locked=data.isel(year=0, x=slice(1, None), drop=True))


def test_degrees_are_refused(toy):
    from odc.geo.geobox import GeoBox

    from bocage.rasters import wrap

    box = GeoBox.from_bbox((10, 50, 10.1, 50.1), "EPSG:4326", shape=(9, 9))
    with pytest.raises(InputError, match="squares in metres"):
        generalize(wrap(np.full((9, 9), 2, np.uint8), box), None, toy, NORMAL)
