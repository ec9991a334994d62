#!/usr/bin/env bash
# The demo: three scenes of our own making, one of them broken, converted twice.
#
# usage: workflow/scripts/demo.sh FOLDER     (from the top of the project; `make demo` calls it)
#
# Ends with the exit code of the second run, which is not 0: one SAFE failed, and that is the point.
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
cause=$(tail -qn 1 "$folder"/products/logs/S1*.log | grep '^FAILED')
printf '\nExit code %s, as it should be: one SAFE of three failed.\n%s\n%s\n' \
    "$code" "$(basename "${broken%%/measurement/*}")" "$cause"
exit "$code"
