import numpy as np

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._survey import FROM_AFAR, IN_SITU, ON_PHOTO, _labels, survey
from bocage.simulate._tables import class_table


def test_points_tell_the_truth(landscape, legend, domain, seed):
    classes = class_table(legend)[landscape.land]
    points = survey({2021: classes, 2024: classes}, legend, domain, seed)
    assert len(points) == 16
    row = ((domain.north - points.geometry.y) / 2.5).astype(int)
    column = ((points.geometry.x - domain.west) / 2.5).astype(int)
    assert (legend.code_table()[classes[row, column]] == points.code_2021).all()
    assert (points.code_2021 == points.code_2024).all()
    assert points.point_id.is_unique


def test_records_are_mostly_right_and_less_so_from_afar(legend):
    domain = Domain.around((4640000, 2930000), 20)
    size = domain.count(2.5)
    rng = np.random.default_rng(1)
    blocks = rng.integers(1, len(legend.codes()) + 1, (size // 88 + 1,) * 2).astype(np.uint8)
    classes = np.repeat(np.repeat(blocks, 88, axis=0), 88, axis=1)[:size, :size]
    points = survey({2021: classes}, legend, domain, Seed(1, "x"))
    assert set(points.obs_type) == {IN_SITU, FROM_AFAR, ON_PHOTO}
    assert (points[points.obs_type == FROM_AFAR].obs_dist >= 100).all()
    assert (points[points.obs_type == IN_SITU].obs_dist < 100).all()
    assert points[points.obs_type == ON_PHOTO].obs_dist.isna().all()
    right = np.array(
        [c in _labels()[k][0] for k, c in zip(points.code_2021, points.lc1, strict=True)]
    )
    near = points.obs_type == IN_SITU
    assert 0.93 < right[near].mean() < 0.99
    assert right[~near].mean() < right[near].mean()
    assert points.th_lat.between(34, 72).all()


def test_every_leaf_has_a_label(legend):
    assert set(_labels()) == set(legend.codes())
    for covers, _, mistake in _labels().values():
        assert mistake not in covers
