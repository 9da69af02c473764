"""The tiny place of `workflow_site` as fixtures."""

from pathlib import Path

import pytest
import yaml
from workflow_site import make_images, make_project


@pytest.fixture(scope="session")
def tiny_images(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    make_images(folder)
    return folder


@pytest.fixture
def tiny(tmp_path, tiny_images) -> Path:
    """A project file ready to run."""
    return make_project(tmp_path / "site", tiny_images)


@pytest.fixture
def edit():
    """Change keys of a project file: ``edit(path, **{"imagery.months": [1]})``."""

    def change(path: Path, **values: object) -> Path:
        data = yaml.safe_load(path.read_text())
        for name, value in values.items():
            at = data
            *sections, key = name.split(".")
            for section in sections:
                at = at.setdefault(section, {})
            at[key] = value
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return path

    return change
