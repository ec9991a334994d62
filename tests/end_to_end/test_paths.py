"""A project in a folder whose name has a space: Python itself has one in its path then."""

import sys

from processes import run
from work import USUAL, Work


def test_python_with_a_space_in_its_path(tmp_path, scene, land_source):
    work = Work.new(tmp_path / "my projects", land_source, [scene()])
    # A virtual environment as Python knows one: the configuration beside the folder of a link.
    environment = work.folder / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    (environment / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    packages = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages.mkdir(parents=True)
    (packages / "site-packages").symlink_to(
        next(path for path in sys.path if path.endswith("site-packages"))
    )
    python = environment / "bin" / "python"

    ran = run(python, "-m", "snakemake", *USUAL, cwd=work.folder)

    assert ran.code == 0, ran.out
    assert set(work.products) == {scene().stem}
