"""Which tests are slow: `make test` leaves them out, `make test-slow` runs them."""

import pytest

#: Files whose tests run whole workflows or many conversions -> those that `make test` runs all the
#: same: one run with a bad SAFE, again, a kill; one pack with a bad SAFE, one that is taken over.
SLOW = {
    "audit/test_products.py": ("test_whole_products", "test_variables_that_are_mixed_up"),
    "conversion/test_modules.py": (
        "test_a_run_is_told_of_the_file_that_is_there",
        "test_it_is_made_for_jobs_that_begin_later",
        "test_who_wants_none_says_so",
        "test_a_job_that_does_not_see_it_does_without",
    ),
    "end_to_end/test_accounts_agree.py": (),
    "end_to_end/test_audit.py": (),
    "end_to_end/test_downstream.py": (),
    "end_to_end/test_pbs.py": ("test_good_and_bad_ones_in_one_pack",),
    "end_to_end/test_progress.py": (),
    "end_to_end/test_what_users_type.py": (
        "test_dry_run[what is pending]",
        "test_tables[failed]",
    ),
    "end_to_end/test_workflow.py": (
        "test_broken_ones_stop_nobody_else",
        "test_second_run_does_only_what_is_left",
        "test_goes_on_after_kill_9",
    ),
    "faults/test_broken_safes.py": (),
    "faults/test_hanging.py": (),
    "faults/test_kill_conversions.py": (),
    "faults/test_power.py": (),
    "faults/test_privacy.py": (),
    "landmask/test_polygons.py": (),
    "report/test_live.py": (),
    "report/test_page.py": (),
    "repository/test_benchmarks.py": (),
    "repository/test_commands.py": (
        "test_every_command_is_run_or_it_is_said_why_not",
        "test_tables_hold_nothing_that_no_document_says",
    ),
    "snakemake-executor-plugin-pbs/tests/test_generic_workflow.py": (),
    "snakemake-executor-plugin-pbs/tests/test_snakemake_base.py": (),
    "snakemake-executor-plugin-pbs/tests/test_workflow.py": (
        "test_second_attempt_is_taken_over_too",
    ),
    "xsar_fixes/test_geolocation.py": ("test_land_is_where_the_centres_of_cells_are[Brittany]",),
    "xsar_fixes/test_modes.py": (),
    "xsar_fixes/test_speed.py": (),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.as_posix()
        for file, quick in SLOW.items():
            if path.endswith(file) and not {item.name, item.name.split("[")[0]} & set(quick):
                item.add_marker(pytest.mark.slow)
