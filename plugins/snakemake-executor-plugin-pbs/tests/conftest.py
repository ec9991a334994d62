"""What several files share, and that Ctrl-C reaches what is started.

Where pytest itself was started in the background, all that it starts would ignore Ctrl-C.
"""

import signal
from functools import partial

import pytest
from scripted_pbs import submitted

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def world(tmp_path):
    """``world(*names, …)``: these jobs are submitted as one pack."""
    return partial(submitted, tmp_path)
