"""Keeping a product until the one that replaces it is there.

Snakemake removes the output of a job before the job runs, and again when the job fails. For a
product that is to be made again that is a loss if the conversion fails: because of a slip in the
settings, or because the SAFE has gone to tape. So the product gets a second name for that time.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from xsar_batch.conversion.layout import Layout


def keep(names: Iterable[str], layout: Layout) -> None:
    """Give products a second name, where there are any."""
    layout.previous.mkdir(parents=True, exist_ok=True)
    for name in names:
        product, kept = layout.product(name), layout.previous / f"{name}.nc"
        try:
            os.link(product, kept)
        except (FileNotFoundError, FileExistsError):
            continue
        except OSError:
            # A file system without hard links: there it goes by its second name meanwhile.
            product.rename(kept)


def settle(layout: Layout) -> list[str]:
    """Give those back their name that were not made again, and forget the others.

    Returns the names that are back. What a killed run left is settled by the next one.
    """
    restored = []
    for kept in _files(layout.previous):
        product = layout.output_dir / kept.name
        if product.exists():
            kept.unlink(missing_ok=True)
        else:
            kept.rename(product)
            restored.append(kept.stem)
    return restored


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
