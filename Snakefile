"""From a folder of SAFEs to verified L1B products: every SAFE becomes <name>.nc."""

import atexit
import sys
from functools import cache
from pathlib import Path

from snakemake.settings.types import RerunTrigger

from xsar_batch.batch import command_line, preview, retries, summary
from xsar_batch.batch.plan import Plan, per_attempt, script_command
from xsar_batch.batch.run import Run
from xsar_batch.conversion.layout import NAME
from xsar_batch.failures import ConfigError
from xsar_batch.report.command import at_end as write_report
from xsar_batch.report.live import Renewal
from xsar_batch.system import messages


# Of this project, wherever snakemake is run.
configfile: str(Path(workflow.basedir) / "config" / "config.yaml")


scripts = Path(workflow.basedir) / "workflow" / "scripts"
schema = scripts.parent / "schemas" / "config.schema.yaml"

# Only the main process lists the archive; a job looks its one SAFE up. To unlock nothing is looked at,
# and no setting matters.
if workflow.is_main_process and "--unlock" not in sys.argv:
    if {"-n", "--dry-run", "--dryrun"} & {*sys.argv}:
        messages.end_on_broken_pipe()
    with messages.refusals():
        command_line.check(sys.argv[1:])
        plan = Plan.of_main_process(config, schema)
        # A SAFE is a target by its name too:  snakemake NAME
        targets = command_line.named(
            sys.argv[1:], plan.catalogue.safes.index, plan.layout
        )
    messages.say(preview.lines(plan, targets.values()))
    # By then Snakemake knows what it would do.
    atexit.register(
        lambda: workflow.dryrun and messages.say(preview.command(plan, conversions()))
    )
else:
    plan, targets = Plan.of_job(config), {}
    if not workflow.is_main_process:
        plan.warm_up()

batch = Run(plan)
renewal = Renewal(batch)
retries.skip_useless("convert", batch.has_failed_for_good)


# Nothing that means something to a shell reaches one.
wildcard_constraints:
    name=NAME,


localrules:
    all,
    recipe,
    land_mask,
    pending,
    failed,
    done,
    report,
    audit,
    doctor,


def products(wildcards):
    return plan.products(everything=workflow.dag_settings.forceall)


@cache
def begin():
    """Once, as soon as Snakemake knows that it may convert something."""
    with messages.refusals():
        plan.check_output_dir()
        if workflow.local_exec and workflow.resource_settings.cores == 0:
            raise ConfigError("cores: 0: nothing would ever run\n    write:  --cores 1")
    # Products appear whole, whatever Snakemake knows of who made them.
    workflow.dag.ignore_incomplete = True
    # The recipe tells what is outdated. Without a profile, which says so too, Snakemake would take
    # other code or inputs for a reason to make the land mask again, and nothing else.
    workflow.dag_settings.rerun_triggers = {RerunTrigger.MTIME}
    if not workflow.dryrun:
        plan.begin_at_once(workflow.local_exec)


def inputs_of_conversions(wildcards):
    if workflow.is_main_process:
        begin()
    return plan.inputs_of_conversions


def conversions():
    """Names of the SAFEs that Snakemake converts; None as long as it does not know."""
    if workflow._dag is None:
        return None
    return [
        job.wildcards.name
        for job in workflow.dag.needrun_jobs(exclude_finished=False)
        if job.rule.name == "convert"
    ]


# What is done is not even asked for, unless by --forceall: no touched file can make it again.
rule all:
    input:
        plan.inputs_of_conversions if plan.done.pending else [],
        products,


for target, product in targets.items():

    rule:
        name:
            target
        input:
            product,


# retries are the profile's: a number here would overrule --retries.
rule convert:
    input:
        inputs_of_conversions,
    output:
        plan.layout.product("{name}"),
    log:
        plan.layout.log("{name}"),
    threads: plan.settings.threads
    resources:
        mem_mb=per_attempt(1500),
        runtime=per_attempt(10),
    shell:
        plan.command(scripts / "convert.py")
        + " --threads {threads} --minutes {resources.runtime} --memory {resources.mem_mb}"
        + " {wildcards.name}"


# The settings that decide what is in a product. Other settings: a new file, so all is made again.
rule recipe:
    input:
        plan.inputs_of_recipe,
    output:
        plan.recipe_file,
    log:
        plan.layout.log("recipe"),
    shell:
        plan.recipe_command(scripts / "recipe.py") + " 2> {log:q}"


rule land_mask:
    output:
        plan.land_mask_file,
    log:
        plan.layout.log("land_mask"),
    shell:
        plan.land_mask_command(scripts / "land_mask.py") + " --log {log:q}"


# Tables of SAFEs, on standard output:  snakemake failed --cores 1 --quiet all
rule pending:
    log:
        "logs/pending.log",
    shell:
        script_command(scripts / "list.py", config, "pending")
        + " 2> >(tee {log:q} >&2)"


rule failed:
    log:
        "logs/failed.log",
    shell:
        script_command(scripts / "list.py", config, "failed") + " 2> >(tee {log:q} >&2)"


rule done:
    log:
        "logs/done.log",
    shell:
        script_command(scripts / "list.py", config, "done") + " 2> >(tee {log:q} >&2)"


# status.csv and report.html as it stands now, also while a run is at work.
rule report:
    log:
        plan.layout.log("report"),
    shell:
        script_command(scripts / "report.py", config) + " 2>&1 | tee {log:q}"


# Checks the products that are there. Fails if some are to be made again.
rule audit:
    log:
        plan.layout.log("audit"),
    shell:
        plan.audit_command(scripts / "audit.py") + " 2>&1 | tee {log:q}"


# What the PBS of this site offers, on standard output. Sends one PBS job of one core.
rule doctor:
    log:
        "logs/doctor.log",
    shell:
        script_command(scripts / "doctor.py", config) + " 2>&1 | tee {log:q}"


# A slip in a target is told before Snakemake looks for a rule that makes it.
if plan.catalogue is not None:
    with messages.refusals():
        command_line.check_targets(sys.argv[1:], [rule.name for rule in workflow.rules])


onstart:
    # Nothing here needs a limit of jobs a second. While it holds jobs back, Snakemake starts a timer
    # for each one that ends, and looks at all that wait whenever one of these goes off.
    workflow.scheduler.job_rate_limiter = None
    jobs = list(workflow.dag.needrun_jobs())
    # The other rules only look.
    if {job.rule.name for job in jobs} & {"all", "convert", "recipe", "land_mask"}:
        names = conversions()
        messages.say(preview.command(plan, names))
        with messages.refusals():
            batch.begin(names)
        renewal.start()
        # Snakemake does not call onerror if a product is gone by the end of the run.
        atexit.register(ended)


def ended():
    atexit.unregister(ended)
    # Nothing has begun if somebody only had a look.
    if batch.id:
        renewal.stop()
        end = batch.end()
        keeps_going = workflow.execution_settings.keep_going
        messages.say(summary.lines(batch, end, write_report(plan, end), keeps_going))


onsuccess:
    ended()


onerror:
    ended()
