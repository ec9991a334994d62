"""Every command in the documents is run here as it stands there, or it is said why not.

The documents are followed in the order of `SESSION`, in a bash, as a user has it: a copy of the
workflow, an archive of two demo scenes in $DATAWORK, and the stand-in PBS. A command that is new in
a document needs a place in `SESSION` or in `NOT_RUN`. docs/downstream.md is run as a whole by
tests/end_to_end/test_downstream.py.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from processes import Ran, run
from repository import REPO, copy_workflow
from safes import copy_safe
from standin.pbs import Server

DOCUMENTS = sorted(
    [
        *(REPO / "README.md", REPO / "CONTRIBUTING.md", REPO / "config" / "README.md"),
        *(path for path in REPO.glob("docs/*.md") if path.name != "downstream.md"),
    ]
)

#: Seconds of a minute of the stand-in's walltime; how often it is asked is the profile's, sped up.
QUICK = " --seconds-between-status-checks 1 --pbs-pack-wait 1"


@dataclass(frozen=True)
class Run:
    """What a command prints (a pattern), its exit code, and a file that is there afterwards."""

    prints: str = ""
    code: int = 0
    leaves: str = ""


PREVIEW = r"xsar-batch: 2 SAFEs found, 2 selected, 0 duplicates; {} done, {} pending -> "
AUDIT = "python workflow/scripts/audit.py"
WELL = "of 2 files 2 are well, 0 are to be made again"
HEAD = "snakemake --profile profiles/"
DRY = "snakemake -n --quiet --configfile my.yaml"
DOCTOR = "snakemake doctor --cores 1 --configfile my.yaml"
PENDING = "snakemake pending --cores 1 --quiet all --configfile my.yaml > pending.txt"
LOCAL = HEAD + "local --config safes=/path/to/safes output_dir=products"
REPORT = "snakemake report --profile profiles/local --configfile my.yaml"

#: What a user does, in this order.
SESSION = {
    # docs/datarmor.md
    DOCTOR: Run(r"import xsar +\d+\.\d s on the node"),
    DRY: Run(PREVIEW.format(0, 2)),
    PENDING: Run(leaves="pending.txt"),
    HEAD + "local --cores 1 --configfile my.yaml --config 'select={name: \"*_A32E\"}'": Run(
        "of 1 pending, 1 made, 0 failed", leaves="l1b/quicklooks/*_A32E.png"
    ),
    HEAD + "pbs --configfile my.yaml": Run("of 1 pending, 1 made, 0 failed"),
    REPORT: Run(leaves="l1b/report.html"),
    "python workflow/scripts/report.py --configfile my.yaml": Run(),
    "python workflow/scripts/advice.py --configfile my.yaml": Run(r"mem_mb: attempt \* \d+"),
    AUDIT + " $DATAWORK/l1b": Run(WELL),
    AUDIT + " $DATAWORK/l1b --at-least xsar=2026.8.31 --move-to old": Run(WELL),
    "snakemake -n --quiet --configfile my.yaml --config resolution=500m remake=true": Run(
        "2 of the pending are there and will be made again"
    ),
    "python workflow/scripts/convert.py --help": Run("Exit codes: 0 done, 65 bad-safe"),
    "python -m sentinel1_demo_scenes --help": Run("--count"),
    "python -m xsar_batch.failures": Run(r"\| `bad-safe` \| 65"),
    "python -m xsar_batch.batch.settings_table": Run(r"\| `safes` \| \(needed\)"),
    "python -m xsar_batch.product.variables": Run(r"\| `sigma0` \| pol, line, sample"),
    # README.md, with settings on the command line
    "snakemake -n --quiet --config safes=/path/to/safes output_dir=products": Run(
        PREVIEW.format(0, 2)
    ),
    LOCAL: Run("of 2 pending, 2 made, 0 failed", leaves="products/status.csv"),
    "python workflow/scripts/convert.py --run products/.xsar_batch/run-….sqlite NAME": Run(),
    "python workflow/scripts/quicklook.py PRODUCT PNG": Run(leaves="picture.png"),
}

#: The same as one above, but for less or more of what is there.
LIKE = {
    "snakemake doctor": DOCTOR,
    "snakemake doctor --cores 1": DOCTOR,
    "snakemake -n": DRY,
    "snakemake -n --quiet": DRY,
    HEAD + "local": LOCAL,
    "snakemake report --profile profiles/local": REPORT,
    "snakemake report --cores 1": REPORT,
    "snakemake pending --cores 1 --quiet all": PENDING,
    "python workflow/scripts/advice.py": "python workflow/scripts/advice.py --configfile my.yaml",
    HEAD + "pbs": HEAD + "pbs --configfile my.yaml",
    AUDIT + " products": AUDIT + " $DATAWORK/l1b",
}

#: Run in another test file, where this word is looked for.
ELSEWHERE = {
    "python workflow/scripts/convert.py /path/to/one.SAFE product.nc --land-mask land.fgb": (
        "repository/test_docs.py",
        "convert.py",
    ),
    AUDIT + " products --safes /path/to/safes": ("end_to_end/test_audit.py", "--safes"),
    "snakemake --cores 1 audit": ("end_to_end/test_audit.py", '"audit"'),
    "snakemake audit --cores 1": ("end_to_end/test_audit.py", '"audit"'),
    "python workflow/scripts/land_mask.py land.fgb": ("landmask/test_polygons.py", "SCRIPT"),
    "python workflow/scripts/convert.py SAFE product.nc --land-mask land.fgb"
    " --function my_function.py:wind_input": (
        "repository/test_docs.py",
        "my_function.py:wind_input",
    ),
    AUDIT + " /path/to/old/outputs --safes /path/to/safes": ("end_to_end/test_audit.py", "--safes"),
    AUDIT + " /path/to/old/outputs --move-to bad-products": (
        "end_to_end/test_audit.py",
        "--move-to",
    ),
    AUDIT + " products --move-to bad-products": ("end_to_end/test_audit.py", "--move-to"),
    HEAD + "local --logger-progress-everything": (
        "end_to_end/test_progress.py",
        "--logger-progress-everything",
    ),
    "python workflow/scripts/report.py --table status.csv products report.html": (
        "report/test_page.py",
        "--table",
    ),
}

_AGAIN = ("end_to_end/test_what_users_type.py", "select={state: ")
ELSEWHERE |= {
    HEAD + "local --config 'select={state: failed}'": _AGAIN,
    HEAD + "local --config 'select={state: out-of-memory}'": _AGAIN,
    "snakemake NAME --profile profiles/local": _AGAIN,
    "snakemake -f products/NAME.nc --profile profiles/local": _AGAIN,
}

_INSTALL = "installs from the internet; `make install-dev` did so before the tests"
_SITE = "needs conda, the internet and Datarmor"
_SHELL = "is the user's own shell"
_DEMO = "takes half a minute of CPU: the whole coastline, and three runs"
_LONG = "takes minutes; its parts are tested one by one"

#: What is not run, and why.
NOT_RUN = {
    "bash": _SHELL,
    "python -m http.server": _SHELL,
    "cd $DATAWORK": _SHELL,
    "cd xsar-batch": _SHELL,
    "source .venv/bin/activate": _SHELL,
    "tmux new -s l1b": _SHELL,
    "git clone URL xsar-batch": _SITE,
    "git pull": _SITE,
    ". /appli/anaconda/latest/etc/profile.d/conda.sh": _SITE,
    "conda env create --file environment.yml": _SITE,
    "conda env update --file environment.yml --prune": _SITE,
    "conda activate xsar-batch": _SITE,
    "qsub -I -q sequentiel -l select=1:ncpus=1:mem=4gb -l walltime=1:00:00": _SITE,
    "qsub -N l1b -q sequentiel -l select=1:ncpus=1:mem=4gb -l walltime=36:00:00 -S /bin/bash --"
    " /bin/bash -c 'cd /path/to/xsar-batch && . /appli/anaconda/latest/etc/profile.d/conda.sh &&"
    " conda activate xsar-batch && snakemake --profile profiles/pbs'": _SITE,
    "make install-here": _INSTALL,
    "make install-dev": _INSTALL,
    "make test-all": "runs this",
    "python -m benchmarks scheduling": _LONG,
    "python -m benchmarks slow": _LONG,
    HEAD + "local --config remake=true": "run with other settings by end_to_end/test_workflow.py",
    "make install": _INSTALL,
    "make install PYTHON=python3.11": _INSTALL,
    "make demo": _DEMO,
    "workflow/scripts/demo.sh $SCRATCH/demo": _DEMO,
    "make test": "is what runs this",
    "make lint": "is run beside the tests by .ci/run",
    "make coverage": _LONG,
    "make docs": "is run beside the tests by .ci/run",
    "make wheels": _LONG,
    "make faults": _LONG,
    "make bench": _LONG,
    "python -m benchmarks live": _LONG,
    "python -m benchmarks report": _LONG,
    "python -m benchmarks dry-run": _LONG,
    "python -m benchmarks.pictures": _LONG,
    "python tests/faults/safe_cases.py --list": _LONG,
}


def commands(text: str) -> list[str]:
    """Commands of a document: those in blocks of `sh`, and calls in the middle of a sentence."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        whole = ""
        for line in block.splitlines():
            whole = f"{whole} {line.strip()}".strip()
            if whole.endswith("\\") or whole.count("'") % 2:
                whole = whole.removesuffix("\\").strip()
            else:
                found.append(whole)
                whole = ""
        assert not whole, f"a quote is open: {whole}"
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    found += [" ".join(c.split()) for c in re.findall(r"`((?:snakemake|python) [^`]+)`", prose)]
    bare = (re.sub(r"(^|\s+)# .*", "", command) for command in found)
    return [command for command in bare if command]


ALL = list(dict.fromkeys(c for document in DOCUMENTS for c in commands(document.read_text())))


@pytest.fixture(scope="module")
def session(tmp_path_factory, scene, land_source) -> dict[str, Ran]:
    """All of `SESSION`, in turn, in one folder."""
    folder = copy_workflow(tmp_path_factory.mktemp("a user"))
    data = tmp_path_factory.mktemp("datawork")
    safes = data / "sentinel-1"
    safes.mkdir(parents=True)
    one, _other = (copy_safe(scene(number), safes, linked=True) for number in range(2))
    config = folder / "config" / "config.yaml"
    # The coastline would take 15 s.
    given = {**yaml.safe_load(config.read_text()), "land_mask": str(land_source)}
    config.write_text(yaml.safe_dump(given))
    guide = (REPO / "docs" / "datarmor.md").read_text()
    (folder / "my.yaml").write_text(re.search(r"^```yaml\n(.*?)^```", guide, re.S | re.M)[1])
    server = Server.new(folder / "pbs")
    product = f"products/{one.stem}.nc"
    # What a user puts in the place of what stands in the documents.
    own = {
        "_A32E": one.stem[-5:],
        "/path/to/safes": str(safes),
        "run-….sqlite NAME": f"run-*.sqlite {one.stem}",
        "PRODUCT PNG": f"{product} picture.png",
        HEAD + "pbs": HEAD + "pbs" + QUICK,
    }
    path = {"PATH": f"{Path(sys.executable).parent}:{server.environment['PATH']}"}
    places = {"DATAWORK": str(data), "SCRATCH": str(data / "scratch")}
    ran = {}
    try:
        for command in SESSION:
            words = command
            for theirs, ours in own.items():
                words = words.replace(theirs, ours)
            more = {**server.environment, **path, **places}
            ran[command] = run("bash", "-c", words, cwd=folder, **more)
            left = SESSION[command].leaves.replace("_A32E", one.stem[-5:])
            assert not left or [*folder.glob(left), *data.glob(left)], (command, ran[command].out)
    finally:
        server.stop()
    return ran


@pytest.mark.parametrize("command", SESSION)
def test_command_does_what_the_documents_say(command, session):
    expected, ran = SESSION[command], session[command]
    assert ran.code == expected.code, ran.out
    assert re.search(expected.prints, ran.out), ran.out


@pytest.mark.parametrize("command", ALL)
def test_every_command_is_run_or_it_is_said_why_not(command):
    places = [table for table in (SESSION, LIKE, ELSEWHERE, NOT_RUN) if command in table]
    assert len(places) == 1, f"{command}: put it into SESSION, or say in NOT_RUN why not"


def test_tables_hold_nothing_that_no_document_says():
    assert {*SESSION, *LIKE, *ELSEWHERE, *NOT_RUN} <= set(ALL)
    assert set(LIKE.values()) <= set(SESSION)


@pytest.mark.parametrize(("file", "word"), ELSEWHERE.values())
def test_what_runs_elsewhere_does(file, word):
    assert word in (REPO / "tests" / file).read_text()
