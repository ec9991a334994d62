#!/usr/bin/env python
"""Convert one SAFE into one checked product.

Run by the rule `convert`, with --run, or by hand, with the path of a SAFE and of the product.
"""

import sys

from xsar_batch.conversion.forkserver import client


def main(words: list[str]) -> int:
    if "--run" in words:
        return client.convert(words)
    # Loaded here: who has it done by another process needs none of it.
    from xsar_batch.conversion import command

    return command.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
