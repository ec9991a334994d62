"""A made-up archive of four SAFEs, its plan, and products that are nothing but a text."""

from pathlib import Path

import pytest

from xsar_batch.batch import summary
from xsar_batch.batch.plan import Plan
from xsar_batch.batch.run import Run
from xsar_batch.conversion import outcome, recipe
from xsar_batch.conversion.layout import Layout
from xsar_batch.report.command import at_end

SCHEMA_FILE = Path(__file__).parents[2] / "workflow" / "schemas" / "config.schema.yaml"
NAME = "S1A_IW_GRDH_1SDV_20240301T180000_20240301T180025_052792_0671C0_ABCD"

#: A number that Linux gives to no process.
NO_PROCESS = 2**22 + 1


def name(number):
    return NAME.replace("20240301", f"202403{number:02}")


def names(*numbers):
    return [name(number) for number in numbers or range(1, 5)]


@pytest.fixture
def layout(tmp_path):
    """An output folder with nothing in it."""
    (tmp_path / "out").mkdir()
    return Layout(tmp_path / "out")


@pytest.fixture
def config(tmp_path):
    """Settings of an archive of four SAFEs."""
    for one in names():
        (tmp_path / "archive" / f"{one}.SAFE").mkdir(parents=True)
    places = {"safes": [str(tmp_path / "archive")], "output_dir": str(tmp_path / "out")}
    # Which takes 2 s at the end of each run.
    return {**places, "report": False}


def plan_of(config, **changes):
    return Plan.of_main_process({**config, **changes}, SCHEMA_FILE)


def begun(plan, *numbers):
    """A run that converts some, all that are pending without."""
    run = Run(plan)
    run.begin(names(*numbers) if numbers else plan.done.pending)
    return run


def ended(run):
    """End a run; returns what is said then."""
    end = run.end()
    return list(summary.lines(run, end, at_end(run.plan, end)))


def put_in_force(layout, contents):
    path = recipe.next_file(layout.internal)
    recipe.put_in_force(path, contents)
    return path


def make_products(layout, *numbers, text="a product", made_with=None):
    """Products; those of a ``made_with`` have an outcome."""
    for number in numbers:
        layout.output_dir.mkdir(exist_ok=True)
        layout.product(name(number)).write_text(text)
        if made_with:
            outcome.Outcome(layout.outcome(name(number)), name(number), recipe=made_with).done()


@pytest.fixture
def ready(config):
    """A folder in which recipe and land mask are there, and two products."""
    plan = plan_of(config)
    put_in_force(plan.layout, plan.recipe)
    plan.land_mask_file.write_text("")
    make_products(plan.layout, 1, 2, made_with=plan.recipe)
    return plan_of(config)


def attempt(of, number, **known):
    one, plan = name(number), of.plan
    known = {"recipe": plan.recipe, "run": of.id, **known}
    return outcome.Outcome(plan.layout.outcome(one), one, **known)


def make(of, number, **known):
    """A conversion that goes well."""
    trial = attempt(of, number)
    make_products(of.plan.layout, number)
    trial.done(**known)
