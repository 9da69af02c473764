import pytest

from bocage.legend import Legend, load_legend


@pytest.fixture(scope="session")
def pa() -> Legend:
    return load_legend("pa")


@pytest.fixture
def small(tmp_path) -> Legend:
    """Four leaves under two parents; codes cannot be mistaken for indices."""
    path = tmp_path / "small.csv"
    path.write_text(
        "code_1,name_1,code_2,name_2\n"
        "10,forest,11,deforestation\n10,forest,12,gain\n20,stable,21,forest\n20,stable,22,other\n"
    )
    return Legend.from_csv(path)
