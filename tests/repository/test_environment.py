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


@pytest.fixture(scope="module")
def conda() -> dict[str, str | None]:
    """Package -> version of the conda part of environment.yml."""
    return dict(
        (normal(item.split("=")[0]), item.split("=")[1] if "=" in item else None)
        for item in environment()
        if isinstance(item, str)
    )


@pytest.fixture(scope="module")
def pip() -> dict[str, str]:
    """Package -> version of the pip part of environment.yml."""
    (part,) = [item["pip"] for item in environment() if isinstance(item, dict)]
    return {normal(pin.split("==")[0]): pin.split("==")[1] for pin in part}


def environment() -> list:
    return yaml.safe_load((REPO / "environment.yml").read_text())["dependencies"]


def test_conda_and_lock_name_the_same_packages(conda, pip):
    assert {*conda, *pip} - {"python", "pip", "gdal"} == set(lock("requirements.lock"))
    assert not set(conda) & set(pip)


def test_pip_part_has_the_versions_of_the_lock(pip):
    pins = lock("requirements.lock")
    assert {name: pins[name] for name in pip} == pip


def test_conda_part_has_the_versions_of_the_lock(conda):
    """conda knows no post-releases, so its version may be the beginning of the lock's."""
    pins = lock("requirements.lock")
    for name, version in conda.items():
        if name in pins:
            assert version and f"{pins[name]}.".startswith(f"{version}."), name


def test_gdal_is_for_conda_only(conda):
    """xsar's metadata ask for it, it has no wheel, and xsar never imports it."""
    assert "gdal" in conda
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
