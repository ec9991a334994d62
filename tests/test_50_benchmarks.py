"""The benchmarks stay runnable: a small one, whose figures mean nothing."""

from benchmarks import dry_run


def test_costs_of_a_dry_run_are_measured():
    rows = dry_run.run(count=20, repeats=1)
    assert [row["benchmark"] for row in rows] == [
        "dry run of 20 SAFEs, none done",
        "dry run of 20 SAFEs, all done",
    ]
    for row in rows:
        assert row["ours CPU s"] > 0.1 and row["bare CPU s"] > 0.1
        assert row["ratio"] == row["ours CPU s"] / row["bare CPU s"]
        assert row["ours MB"] > 50


def test_names_are_those_of_safes():
    from xsar_batch import safe_name

    names = {dry_run.name(number) for number in range(5000)}
    assert len(names) == 5000
    assert all(safe_name.parse(name) for name in names)
