"""Benchmarks: `make bench` runs them all, `python -m benchmarks --help` tells more."""
