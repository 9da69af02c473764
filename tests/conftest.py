"""Fixtures shared by all tests."""

from pathlib import Path

import matplotlib as mpl
import pytest
from xdist.scheduler import LoadScopeScheduling

mpl.use("Agg")

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "data"


class RoomScheduling(LoadScopeScheduling):
    """Keeps a room in one process: what its tests share is made, and compiled, once."""

    def _split_scope(self, nodeid: str) -> str:
        return "/".join(nodeid.split("::")[0].split("/")[:2])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return RoomScheduling(config, log)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data beside the checkout; the test is skipped where it is absent."""
    if not REAL.is_dir():
        pytest.skip("the real data are not beside this checkout (../shared/data)")
    return REAL
