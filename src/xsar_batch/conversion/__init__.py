"""One SAFE becomes one product, or fails with a reason: what a job runs.

Imports `l1b`, `xsar_fixes`, `quicklook`, `product` and below. Knows nothing of other SAFEs.
"""
