"""What the documents say is true: the settings table, the commands, the function of one's own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
import yaml

from xsar_batch import settings_table
from xsar_batch.failures import EXIT_CODES

REPO = Path(__file__).resolve().parents[1]
README = (REPO / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """Code blocks of a document."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_settings_table_is_that_of_the_schema():
    table = "\n".join(settings_table.table(yaml.safe_load(settings_table.SCHEMA.read_text())))
    assert table in README, "update it with: python -m xsar_batch.settings_table"


def test_table_of_failures_has_every_class_and_its_exit_code():
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", README, flags=re.MULTILINE))
    assert {name: int(code) for name, code in rows.items()} == {**EXIT_CODES, "config": 78}


def test_make_targets_exist():
    makefile = (REPO / "Makefile").read_text()
    named = set(re.findall(r"^make ([a-z-]+)", "\n".join(blocks(README, "sh")), re.MULTILINE))
    assert {"demo", "install", "test", "bench", "lint"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_ci_runs_the_test_command_of_the_readme():
    assert "make test" in (REPO / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    "document", ["README.md", "config/README.md", *(REPO / "docs").glob("*.md")]
)
def test_links_between_documents_lead_somewhere(document):
    path = REPO / document
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_yaml_in_documents_is_accepted():
    """Each block is a part of a configuration that passes the schema."""
    from xsar_batch.settings import Settings

    schema = settings_table.SCHEMA
    for document in ("README.md", "config/README.md", "docs/own_function.md"):
        for block in blocks((REPO / document).read_text(), "yaml"):
            config = {"safes": ["a"], "output_dir": "b", **yaml.safe_load(block)}
            Settings.from_config(config, schema)


def test_own_function_of_the_documents_converts(scene, land_mask_file, tmp_path):
    """The function in docs/own_function.md, run by the command that stands there."""
    code = blocks((REPO / "docs" / "own_function.md").read_text(), "python")[0]
    (tmp_path / "my_function.py").write_text(code)
    command = [
        *(sys.executable, REPO / "workflow" / "scripts" / "convert.py"),
        *(scene(), "product.nc", "--land-mask", land_mask_file),
        *("--function", "my_function.py:wind_input"),
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    with xr.open_dataset(tmp_path / "product.nc") as ds:
        assert set(ds.data_vars) == {"sigma0", "nesz", "incidence", "land_mask", "near_land"}
        assert {"longitude", "latitude"} <= set(ds.coords)
        assert (ds["near_land"] >= ds["land_mask"]).all()
        assert ds.attrs["function"].startswith("my_function.py:wind_input sha256:")
