import pyogrio

from bocage.files import sha256
from bocage.simulate._lines import line_layers, write_lines


def test_files_hold_what_a_project_names(landscape, seed, tmp_path):
    written = write_lines(tmp_path, landscape, seed)
    names = [p.relative_to(tmp_path).as_posix() for p in written]
    assert names == [f"linear/{n}.gpkg" for n in ("roads", "rails", "rivers", "eu_hydro")]
    for name, tag in (("roads", "highway"), ("rails", "railway"), ("rivers", "waterway")):
        info = pyogrio.read_info(tmp_path / "linear" / f"{name}.gpkg", layer=name)
        assert {tag, "width"} <= set(info["fields"])
    layers = pyogrio.list_layers(tmp_path / "linear" / "eu_hydro.gpkg")[:, 0].tolist()
    assert {"River_Net_l", "River_Net_p", "InlandWater"} <= set(layers)
    assert set(line_layers(landscape, seed)) == {"roads", "rails", "rivers"}


def test_files_are_the_same_for_the_same_seed(landscape, seed, tmp_path):
    first = [sha256(p) for p in write_lines(tmp_path / "a", landscape, seed)]
    assert first == [sha256(p) for p in write_lines(tmp_path / "b", landscape, seed)]
