"""Fixtures shared by all tests."""

from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data beside the checkout; the test is skipped where it is absent."""
    if not REAL.is_dir():
        pytest.skip("the real data are not beside this checkout (../shared/data)")
    return REAL
