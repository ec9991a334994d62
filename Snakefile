"""From a folder of SAFEs to verified L1B products: every SAFE becomes <name>.nc."""

from pathlib import Path

from xsar_batch import messages
from xsar_batch.plan import Plan


configfile: "config/config.yaml"


scripts = Path(workflow.basedir) / "workflow" / "scripts"

# Only the main process lists the archive; a job looks its one SAFE up.
if workflow.is_main_process:
    plan = Plan.of_main_process(
        config,
        schema=scripts.parent / "schemas" / "config.schema.yaml",
    )
    messages.say(messages.preview(plan))
else:
    plan = Plan.of_job(config)


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
        plan.inputs_of_conversions,
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
        runtime=lambda wildcards, attempt: 20 * attempt,
    shell:
        plan.command(scripts / "convert.py") + " --threads {threads} {wildcards.name}"


# The settings that decide what is in a product. Other settings: other file, so all is made again.
rule recipe:
    input:
        plan.inputs_of_recipe,
    output:
        # An old one is not removed first: it tells since when it has been in force.
        update(plan.recipe_file),
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
    plan.prepare()


onsuccess:
    messages.say(messages.end(plan))


onerror:
    messages.say(messages.end(plan))
