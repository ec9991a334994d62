"""From a folder of SAFEs to verified L1B products: every SAFE becomes <name>.nc."""

from pathlib import Path

from xsar_batch import messages
from xsar_batch.plan import Plan
from xsar_batch.run import Run


# Of this project, wherever snakemake is run.
configfile: str(Path(workflow.basedir) / "config" / "config.yaml")


scripts = Path(workflow.basedir) / "workflow" / "scripts"
schema = scripts.parent / "schemas" / "config.schema.yaml"

# Only the main process lists the archive; a job looks its one SAFE up.
if workflow.is_main_process:
    plan = Plan.of_main_process(config, schema)
    messages.say(messages.preview(plan))
else:
    plan = Plan.of_job(config)

batch = Run(plan)


# Nothing but capitals, digits and underscores reaches a shell.
wildcard_constraints:
    name=r"S1\w+",


localrules:
    all,
    recipe,
    land_mask,


# What is done is not even asked for, unless by --forceall: no touched file can make it again.
rule all:
    input:
        plan.inputs_of_conversions if plan.done.pending else [],
        lambda wildcards: plan.products(everything=workflow.dag_settings.forceall),


# retries are the profile's: a number here would overrule --retries.
rule convert:
    input:
        plan.inputs_of_conversions,
    output:
        plan.layout.product("{name}"),
    log:
        plan.layout.log("{name}"),
    threads: plan.settings.threads
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    shell:
        plan.command(scripts / "convert.py")
        + " --threads {threads} --minutes {resources.runtime} {wildcards.name}"


# The settings that decide what is in a product. Other settings: a new file, so all is made again.
rule recipe:
    input:
        plan.inputs_of_recipe,
    output:
        plan.recipe_file,
    log:
        plan.layout.log("recipe"),
    params:
        recipe=plan.recipe,
    script:
        "workflow/scripts/recipe.py"


rule land_mask:
    output:
        plan.land_mask_file,
    log:
        plan.layout.log("land_mask"),
    params:
        source=plan.settings.land_mask,
    script:
        "workflow/scripts/land_mask.py"


onstart:
    jobs = workflow.dag.needrun_jobs()
    batch.begin(job.wildcards.name for job in jobs if job.rule.name == "convert")


onsuccess:
    messages.say(messages.end(batch))


onerror:
    messages.say(messages.end(batch))
