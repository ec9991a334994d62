"""The command as it was typed."""

import time

import pytest

from xsar_batch.batch import command_line
from xsar_batch.conversion.layout import Layout
from xsar_batch.failures import ConfigError


@pytest.mark.parametrize(
    ("right", "wrong"), [("S1A", "S1C"), ("_0A12", "_0A1G"), ("20240301", "20240391")]
)
def test_slip_in_a_name_among_many_is_found_at_once(right, wrong, tmp_path):
    names = [
        f"S1A_IW_GRDH_1SDV_202403{day:02}T{second:06}_202403{day:02}T{second + 25:06}_{second:06}"
        f"_{day * 100_000 + second:06X}_0A{day:02}"
        for day in range(1, 26)
        for second in range(4_000)
    ]
    name = names[11 * 4_000 + 777 if right != "20240301" else 777]
    begin = time.process_time()
    with pytest.raises(ConfigError, match=f"write:  {name}$"):
        command_line.named([name.replace(right, wrong, 1)], names, Layout(tmp_path))
    # Comparing them all letter by letter takes 40 s.
    assert time.process_time() - begin < 2
