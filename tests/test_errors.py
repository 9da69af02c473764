import pickle

import pytest

from bocage.errors import BocageError, ConfigError, InputError, RunError


@pytest.mark.parametrize(
    ("kind", "exit_code"), [(BocageError, 3), (ConfigError, 2), (InputError, 2), (RunError, 3)]
)
def test_exit_codes(kind, exit_code):
    assert kind("wrong").exit_code == exit_code
    assert issubclass(kind, BocageError)


@pytest.mark.parametrize("remedy", [None, "mend it"])
@pytest.mark.parametrize("kind", [BocageError, ConfigError, InputError, RunError])
def test_errors_survive_pickling(kind, remedy):
    error = kind("tile 3 is broken", remedy=remedy)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert (copy.message, copy.remedy) == ("tile 3 is broken", remedy)
    assert str(copy) == str(error)


def test_text_names_the_remedy():
    assert str(InputError("wrong")) == "wrong"
    assert str(InputError("wrong", remedy="mend it")) == "wrong\n  Remedy: mend it"
