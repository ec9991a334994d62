"""One thread for all that dask computes here, as a conversion has."""

import dask
import pytest


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    with dask.config.set(scheduler="threads", num_workers=1):
        yield
