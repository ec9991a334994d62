"""The example notebook runs as it stands, on products of demo scenes."""

import json
import shutil
import sys

import pytest
from processes import run
from repository import REPO, SCRIPTS

from xsar_batch.batch import status
from xsar_batch.conversion import outcome
from xsar_batch.conversion.layout import Layout
from xsar_batch.report import geojson, status_table

NOTEBOOK = REPO / "examples" / "look_at_products.ipynb"


def test_it_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and not any(cell["outputs"] or cell["execution_count"] for cell in code)


@pytest.mark.slow
def test_it_runs_on_products(scene, land_mask_file, tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient", reason="needs the extra `notebook`")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("matplotlib")
    layout = Layout(tmp_path)
    for number in (0, 1):
        name = scene(number).stem
        ran = run(
            *(sys.executable, SCRIPTS / "convert.py", scene(number), layout.product(name)),
            *("--land-mask", land_mask_file, "--outcome", layout.outcome(name)),
        )
        assert ran.code == 0, ran.out
    broken = shutil.copytree(scene(2), tmp_path / scene(2).name)
    (broken / "manifest.safe").unlink()
    run(
        *(sys.executable, SCRIPTS / "convert.py", broken, layout.product(broken.stem)),
        *("--land-mask", land_mask_file, "--outcome", layout.outcome(broken.stem)),
    )
    names = [scene(number).stem for number in range(3)]
    assert outcome.read(layout.outcome(names[2]))["class"] == "bad-safe"
    rows = status.table(names, names[2:], layout)
    status.write(layout.status, rows)
    geojson.write(layout.geojson, status_table.prepared(status_table.of_rows(rows)))

    monkeypatch.setenv("XSAR_BATCH_PRODUCTS", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    told = "".join(output.get("data", {}).get("text/plain", "") for output in outputs)
    assert "manifest.safe" in told and "cell: " in told
