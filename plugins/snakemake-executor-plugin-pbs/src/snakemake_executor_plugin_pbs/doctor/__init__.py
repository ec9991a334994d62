"""First contact with a site: ``python -m snakemake_executor_plugin_pbs.doctor``.

Checks one by one what the executor relies on, with one small PBS job, and prints a table and what
to change. The report can be pasted into an issue.
"""
