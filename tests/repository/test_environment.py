"""The ways to install this project give the same versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lock(file: str) -> dict[str, str]:
    """Package -> version of a lock file; every line must be one exact pin."""
    pins = {}
    for line in (REPO / file).read_text().splitlines():
        name, version = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)", line).groups()
        pins[normal(name)] = version
    return pins


def test_from_conda_come_python_pip_and_gdal_and_the_rest_is_the_lock():
    """xsar's metadata ask for gdal, it has no wheel, and xsar never imports it.

    Anything else from conda would have to agree on its gdal with what pip brings.
    """
    said = yaml.safe_load((REPO / "environment.yml").read_text())["dependencies"]
    *conda, pip = said
    assert [item.split("=")[0] for item in conda] == ["python", "pip", "gdal"]
    assert pip == {"pip": (REPO / "requirements.lock").read_text().split()}
    assert "gdal" not in lock("requirements.lock")


@pytest.mark.parametrize(
    "folder",
    [".", "demo_scenes", *(f"plugins/{path.name}" for path in (REPO / "plugins").iterdir())],
)
def test_what_a_distribution_needs_is_locked(folder):
    project = tomllib.loads((REPO / folder / "pyproject.toml").read_text())["project"]
    assert names(project["dependencies"]) <= set(lock("requirements.lock"))
    both = {**lock("requirements.lock"), **lock("requirements-dev.lock")}
    for extra in project.get("optional-dependencies", {}).values():
        assert names(extra) <= set(both)


def names(needed: list[str]) -> set[str]:
    return {normal(re.match(r"[A-Za-z0-9._-]+", one)[0]) for one in needed}


def test_what_is_installed_is_what_is_locked():
    """Otherwise these tests would speak of other versions than users get."""
    from importlib import metadata

    for name, version in lock("requirements.lock").items():
        assert metadata.version(name) == version, name


def test_no_file_for_installing_names_a_host():
    for file in ("requirements.lock", "requirements-dev.lock", "environment.yml", "Makefile"):
        assert "://" not in (REPO / file).read_text(), file
