"""The report while a run is at work: what it says then, and what it costs."""

import json

import pytest
from plan_helpers import attempt, begun, ended, make, name, plan_of
from processes import until

from benchmarks.chromium import CHROMIUM, Page
from xsar_batch.report import live


def states(account):
    return {row["name"]: row["state"] for row in account.rows()}


def test_an_account_follows_the_run(config):
    run = begun(plan_of(config), 1, 2, 3)
    account = live.Account(run)
    assert set(states(account).values()) == {"pending"}
    make(run, 1)
    attempt(run, 2)
    first = attempt(run, 3)
    assert states(account) == {
        **{name(1): "done", name(2): "running", name(3): "running", name(4): "pending"}
    }
    first.interrupted("SIGTERM", 143)
    assert states(account)[name(3)] == "failed"
    # It is tried again.
    make(run, 3)
    assert states(account)[name(3)] == "done"


def test_an_earlier_failure_counts_until_it_is_tried_again(config):
    earlier = begun(plan_of(config), 1)
    attempt(earlier, 1).interrupted("SIGTERM", 143)
    ended(earlier)
    account = live.Account(begun(plan_of(config), 1))
    assert states(account)[name(1)] == "failed"


@pytest.fixture
def renewed(config, monkeypatch):
    """A run whose report is renewed every second."""
    monkeypatch.setattr(live, "FIRST", 0)
    monkeypatch.setattr(live, "OF_CPU", 1)
    monkeypatch.setattr(live, "OF_TIME", 1)
    run = begun(plan_of(config, report=True, report_interval=1))
    renewal = live.Renewal(run)
    renewal.start()
    yield run, renewal
    renewal.stop()


def held(layout):
    text = layout.report.with_name("report-data.js").read_text()
    return json.loads(text.removeprefix("xsarBatch.receive(").removesuffix(");\n"))


def test_data_beside_the_page_say_that_a_run_is_at_work_and_at_last_that_it_is_over(renewed):
    run, renewal = renewed
    layout = run.plan.layout
    until(layout.report.exists)
    assert held(layout)["live"]["count"] == 4
    make(run, 1)
    until(lambda: "done" in held(layout)["columns"]["state"]["of"])
    renewal.stop()
    assert ended(run)
    assert held(layout)["live"] is None
    assert renewal.trouble == ""


def test_what_the_first_page_costs_once_does_not_hold_the_next_one_up(config, monkeypatch):
    monkeypatch.setattr(live, "FIRST", 0)
    clock = iter([0, 1000])
    monkeypatch.setattr(live.time, "thread_time", lambda: next(clock, 1000))
    run = begun(plan_of(config, report=True, report_interval=1))
    renewal = live.Renewal(run)
    renewal.start()
    layout = run.plan.layout
    until(layout.report.exists)
    assert held(layout)["live"]["cpu"] == 0
    until(lambda: held(layout)["live"]["cpu"] == 1000)
    renewal.stop()


def test_trouble_with_the_page_is_none_of_the_run(renewed):
    run, renewal = renewed
    until(run.plan.layout.report.exists)
    run.plan.layout.report.unlink()
    run.plan.layout.report.mkdir()
    until(lambda: renewal.trouble)
    run.plan.layout.report.rmdir()


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
def test_an_open_page_renews_itself_and_keeps_what_a_reader_has_set(renewed):
    run, renewal = renewed
    layout = run.plan.layout
    until(layout.report.exists)
    with Page() as page:
        page.open(layout.report)
        assert page.text("h1") == "0 of 4 SAFEs are done"
        assert "a run is at work" in page.text("#age")
        page.type("#search", name(1))
        page.wait("document.querySelector('#found').textContent === '1 of 4 SAFEs'")
        page.do("document.getElementById('charts').scrollIntoView({behavior: 'instant'})")
        # What a reader looks at stays where it is, also where something above it grows.
        place = "document.getElementById('charts').getBoundingClientRect().top"
        before = page.do(place)
        make(run, 1)
        page.wait("document.querySelector('h1').textContent === '1 of 4 SAFEs is done'")
        assert page.do(place) == pytest.approx(before, abs=1)
        assert page.text("#found") == "1 of 4 SAFEs"
        renewal.stop()
        ended(run)
        page.wait("!document.getElementById('age').textContent.includes('at work')")
        assert page.console == []
