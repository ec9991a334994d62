"""Snakemake's own tests of executor plugins, on the stand-in PBS: single jobs and group jobs."""

import os

import pytest
import snakemake.common.tests
from processes import until
from snakemake_executor_plugin_pbs import ExecutorSettings
from standin.pbs import Server


class TestOfSnakemake(snakemake.common.tests.TestWorkflowsLocalStorageBase):
    __test__ = True
    settings = ExecutorSettings(queue="omp")

    @pytest.fixture(autouse=True)
    def pbs(self, tmp_path_factory, monkeypatch):
        server = Server.new(tmp_path_factory.mktemp("pbs") / "pbs")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        before = os.getcwd()  # noqa: PTH109 - Snakemake changes it
        yield server
        os.chdir(before)
        assert server.calls("qsub")
        # A PBS job may be ending when Snakemake has ended.
        until(lambda: server.left() == [], seconds=20)
        server.stop()

    def get_executor(self) -> str:
        return "pbs"

    def get_executor_settings(self) -> ExecutorSettings:
        return self.settings


class TestOfSnakemakeInPacks(TestOfSnakemake):
    settings = ExecutorSettings(queue="omp", pack_size=10, pack_cores=2)
