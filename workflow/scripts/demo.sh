#!/usr/bin/env bash
# The demo: three scenes of our own making, one of them broken, converted twice.
#
# usage: workflow/scripts/demo.sh FOLDER     (from the top of the project; `make demo` calls it)
#
# Exits with 0 if the broken scene failed as it must and the other two became products, else with 1.
set -u
folder=${1:?usage: workflow/scripts/demo.sh FOLDER}

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "Three Sentinel-1 scenes off Brittany, made here (no download)"
if [ -e "$folder" ] && [ ! -e "$folder/archive" ]; then
    echo "$folder is there and holds something else: name another folder" >&2
    exit 2
fi
rm -rf "$folder"
run python -m sentinel1_demo_scenes "$folder/archive" --count 3 || exit

say "One of them loses its VH pixels, as after an interrupted copy"
broken=$(find "$folder/archive" -name '*-vh-*.tiff' | sort | head -n 1)
run truncate --size 0 "$broken" || exit

printf 'safes: [%s/archive]\noutput_dir: %s/products\n' "$folder" "$folder" > "$folder/config.yaml"
snakemake=(snakemake --profile profiles/local --configfile "$folder/config.yaml")

say "What is pending?"
run "${snakemake[@]}" -n

say "The first run: two products, and one SAFE that fails"
run "${snakemake[@]}"

say "The second run: only what is left, so only the broken one is tried"
run "${snakemake[@]}"
code=$?

say "The products"
run ls -l "$folder/products"
name=$(basename "${broken%%/measurement/*}" .SAFE)
cause=$(tail -n 1 "$folder/products/logs/$name.log")
made=$(find "$folder/products" -maxdepth 1 -name 'S1*.nc' | wc -l)
if [ "$code" -ne 0 ] && [ "$made" -eq 2 ] && [[ $cause == "FAILED bad-safe:"* ]]; then
    printf '\nThe demo worked: 2 products, and the broken SAFE failed as it must.\n%s\n%s\n' \
        "$name" "$cause"
    exit 0
fi
printf '\nThe demo did not work: %s products instead of 2, exit code %s, log ends: %s\n' \
    "$made" "$code" "$cause" >&2
exit 1
