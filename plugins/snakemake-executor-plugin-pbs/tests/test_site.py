"""Which batch system the commands belong to."""

import pytest
from snakemake_executor_plugin_pbs import site


@pytest.mark.parametrize(
    ("said", "name", "version", "is_refused"),
    [
        ("pbs_version = 23.06.06\n", "PBS", "23.06.06", False),
        ("pbs_version = 19.1.3", "PBS", "19.1.3", False),
        ("pbs_version = PBSPro_13.1.0.160576", "PBS", "13.1.0.160576", False),
        ("pbs_version = 2024.1.0.20240501", "PBS", "2024.1.0.20240501", False),
        ("pbs_version = PBSPro_12.2.404", "PBS Pro", "12.2.404", True),
        ("Version: 6.1.2\nCommit: 661e092552de43a785c15d39a3634a541d86898e\n",
         "Torque", "6.1.2", True),
        ("SGE 8.1.9\nusage: qstat [options]\n", "Grid Engine", "", True),
        ("", "unknown", "", False),
        ("Welcome to our site\npbs_version = 20.0.1\n", "PBS", "20.0.1", False),
    ],
)  # fmt: skip
def test_batch_systems(said, name, version, is_refused):
    known = site.batch_system(said)
    assert (known.name, known.version, bool(known.refusal)) == (name, version, is_refused)
    assert "\n" not in known.refusal


def test_a_command_that_hangs_or_is_not_there_is_no_error():
    assert site.ask(["sleep", "60"], timeout=0.1) == "no answer for 0.1 s"
    assert "no-such-command" in site.ask(["no-such-command"])
    assert site.ask(["sh", "-c", "echo x; exit 3"]) == "x\n"
