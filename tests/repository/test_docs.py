"""What the documents say is true: the settings table, the commands, the function of one's own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import snakemake
import xarray as xr
import yaml

from xsar_batch import failures
from xsar_batch.batch import settings_table
from xsar_batch.failures import EXIT_CODES
from xsar_batch.product import variables

REPO = Path(__file__).resolve().parents[2]

#: Where messages are looked for. Of Snakemake, those that its users meet at the start.
SOURCES = [
    *REPO.glob("src/**/*.py"),
    *REPO.glob("plugins/*/src/**/*.py"),
    REPO / "Makefile",
    *(
        Path(snakemake.__file__).parent / name
        for name in (
            "cli.py",
            "api.py",
            "exceptions.py",
            "common/__init__.py",
            "scheduling/job_scheduler.py",
        )
    ),
]
README = (REPO / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """Code blocks of a document."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_settings_table_is_that_of_the_schema():
    table = "\n".join(settings_table.table(yaml.safe_load(settings_table.SCHEMA.read_text())))
    assert table in README, "update it with: python -m xsar_batch.batch.settings_table"


def test_table_of_variables_is_that_of_the_code():
    text = (REPO / "docs" / "product.md").read_text()
    assert variables.table() in text, "update it with: python -m xsar_batch.product.variables"


def test_table_of_failures_is_that_of_the_code():
    assert failures.table() in README, "update it with: python -m xsar_batch.failures"
    known = set(failures.EXIT_CODES)
    assert {cls.name for cls in _subclasses(failures.Failure)} - {"killed"} <= known
    assert len(set(failures.EXIT_CODES.values())) == len(known), "one exit code each"
    schema = yaml.safe_load(settings_table.SCHEMA.read_text())
    states = schema["properties"]["select"]["properties"]["state"]["items"]["enum"]
    assert set(states) == {"failed", "killed", "interrupted", *known}


def _subclasses(cls):
    return {one for below in cls.__subclasses__() for one in (below, *_subclasses(below))}


def test_make_targets_exist():
    makefile = (REPO / "Makefile").read_text()
    text = README + (REPO / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"^make ([a-z-]+)", "\n".join(blocks(text, "sh")), re.MULTILINE))
    assert {"demo", "install", "test", "test-all", "lint"} <= named
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
    from xsar_batch.batch.settings import Settings

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


#: Of Python and of the shell: no source of ours or of Snakemake has them.
OF_OTHERS = {
    "snakemake: command not found",
    "Config file is not valid JSON or YAML",
    "No module named 'xsar_batch'",
    "argument --executor/-e: invalid choice: 'pbs'",
    "FileNotFoundError: [Errno 2] No such file or directory: '…'",
}


def quoted_messages() -> list[str]:
    """What stands in the first column of the tables of troubleshooting."""
    text = (REPO / "docs" / "troubleshooting.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [m for row in rows for m in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def plain(source: str) -> str:
    """A source with its strings joined, and what they fill in as an ellipsis."""
    joined = re.sub(r"[\"']\s*\n?\s*f?[\"']", "", source)
    return re.sub(r"\{[^{}\n]*\}", "…", joined.replace("\\n", " "))


@pytest.fixture(scope="module")
def said() -> str:
    return "\n".join(plain(path.read_text()) for path in SOURCES)


@pytest.mark.parametrize("message", [m for m in quoted_messages() if m not in OF_OTHERS])
def test_messages_of_troubleshooting_are_those_of_the_sources(message, said):
    """Each part between names and numbers; a failure's class stands apart from its cause."""
    name, colon, cause = message.partition(": ")
    parts = (name, *cause.split("…")) if colon and name in EXIT_CODES else message.split("…")
    parts = [part.strip(" '(),:;") for part in parts]
    assert any(parts)
    for part in parts:
        assert part in said, part
