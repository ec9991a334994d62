#!/usr/bin/env python
"""Convert one SAFE into one checked product.

Run by the rule `convert`, with --run, or by hand, with the path of a SAFE and of the product.
"""

import sys

from xsar_batch.warm import client


def main(words: list[str]) -> int:
    if "--run" in words:
        threads = int(words[words.index("--threads") + 1]) if "--threads" in words else 1
        code = client.ask(words, threads)
        if code is not None:
            return code
    # Loaded here: who asks a warm interpreter needs none of it.
    from xsar_batch import command

    return command.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
