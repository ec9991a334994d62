"""Whether products that are there are right, those of other programs too.

Imports `batch` and below.
"""
