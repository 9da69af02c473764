import json
import re

import numpy as np
import pandas as pd
import pytest

from bocage.legend import load_legend
from bocage.simulate._card import Facts, describe, write_card
from bocage.simulate._record import YearRecord
from bocage.simulate._tables import BANDS

LEGEND = load_legend("pa")
FIELD, WOOD, SCRUB, TOWN = (LEGEND.index(c) for c in (2110, 3210, 3400, 1110))


def record(year):
    rng = np.random.default_rng(year)
    days = [f"{year}-{month:02d}-{day:02d}" for month in range(1, 13) for day in (3, 18)]
    dates = [
        {
            "date": day,
            "platform": "AB"[i % 2],
            "zone": "32",
            "cloud": 80.0 if i % 4 == 3 else 10.0,
            "cirrus": 0.0,
            "snow": 30.0 if day[5:7] == "01" else 0.0,
            "flood": 0.0,
            "kept": i % 4 != 3,
            "why": "cloud" if i % 4 == 3 else "",
        }
        for i, day in enumerate(days)
    ]
    kept = [d["date"] for d in dates if d["kept"]]
    values = rng.normal(0.2, 0.02, (len(kept), 60, len(BANDS))).astype(np.float32)
    values[:, 40:] += 0.3
    values[0] = np.nan
    looks = {day: rng.integers(0, 255, (700, 700, 3), np.uint8) for day in kept[:2]}
    return YearRecord(year, dates, kept, values, looks)


@pytest.fixture(scope="module")
def facts():
    before = np.full((600, 600), FIELD, np.uint8)
    before[:300] = WOOD
    after = before.copy()
    after[20:60, 20:60] = SCRUB  # 1 ha
    after[400:440, 20:60] = TOWN
    after[500:504, 500:504] = TOWN  # 0.01 ha: too small to count
    inside = np.zeros(before.shape, bool)
    inside[10:590, 10:590] = True
    inside[400:420, 20:60] = False
    probes = pd.DataFrame(
        {"class": [FIELD] * 20 + [SCRUB] * 20 + [WOOD] * 20, "x": 100.0, "y": 100.0}
    )
    records = {year: record(year) for year in (2021, 2024)}
    classes = {2021: before, 2024: after}
    return Facts("continental", 1.5, 3, (2021, 2024), LEGEND, classes, inside, records, probes)


def test_areas_and_change_are_those_of_the_truth(facts):
    card = describe(facts)
    assert card["area_ha"] == pytest.approx(facts.inside.sum() * 6.25 / 1e4, abs=0.01)
    for year in ("2021", "2024"):
        assert sum(card["areas_ha"][year].values()) == pytest.approx(card["area_ha"], abs=0.01)
    pairs = {(p["from"], p["to"]): p for p in card["change"]["pairs"]}
    assert pairs[3210, 3400]["ha"] == pytest.approx(1.0)
    assert pairs[2110, 1110]["ha"] == pytest.approx(0.51)
    assert pairs[3210, 3400]["process"]
    assert card["change"]["ha"] == pytest.approx(1.51)
    assert card["change"]["patches"] == 2
    assert card["change"]["median_ha"] == pytest.approx(0.75)


def test_clouds_are_counted_by_month(facts):
    clouds = describe(facts)["clouds"]["2021"]
    assert (clouds["passes"], clouds["kept"]) == (24, 18)
    assert clouds["cloud_kept"] == pytest.approx(10.0)
    january, february = clouds["months"][:2]
    assert (january["passes"], january["kept"]) == (2, 2)
    assert (february["kept"], february["cloud"]) == (1, 45.0)
    assert january["clear_looks"] == pytest.approx(1.8)
    assert clouds["snow_dates"] == 2


def test_the_closest_pair_comes_first(facts):
    found = describe(facts)["separability"]
    assert found["codes"] == [2110, 3210, 3400]
    first = found["closest"][0]
    assert {first["one"], first["other"]} == {2110, 3400}
    assert first["distance"] < 1 < found["closest"][1]["distance"]


def test_the_card_is_one_file_and_always_the_same(facts, tmp_path):
    write_card(tmp_path / "a", facts)
    write_card(tmp_path / "b", facts)
    for name in ("card.json", "card.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    page = (tmp_path / "a" / "card.html").read_text(encoding="utf-8")
    assert len(page) < 3_000_000
    sources = re.findall(r'<img src="([^"]{5})', page)
    assert len(sources) == 3 + 4
    assert set(sources) == {"data:"}
    assert "http" not in page
    assert LEGEND.name(3400) in page
    card = json.loads((tmp_path / "a" / "card.json").read_text(encoding="utf-8"))
    assert card == json.loads(json.dumps(describe(facts)))


def test_a_card_of_one_year_without_images(facts, tmp_path):
    empty = {2021: YearRecord(2021, [])}
    classes = {2021: facts.classes[2021]}
    bare = Facts(
        "alpine", 1, 0, (2021,), LEGEND, classes, facts.inside, empty, facts.probes.iloc[:0]
    )
    write_card(tmp_path, bare)
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert card["change"]["pairs"] == []
    assert card["separability"]["codes"] == []
