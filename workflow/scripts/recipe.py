#!/usr/bin/env python
"""Put a recipe in force: the settings that decide what is in a product.

Run by the rule `recipe`, or by hand: python workflow/scripts/recipe.py --help
"""

import argparse
import json
from pathlib import Path

from xsar_batch.conversion import recipe

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="recipe-NNNNNN.json in OUTPUT_DIR/.xsar_batch")
    parser.add_argument("recipe", type=json.loads, help="the recipe, as JSON")
    options = parser.parse_args()
    recipe.put_in_force(options.file, options.recipe)
