"""Many SAFEs: the settings, the catalogue, what is pending, the run, and how it stands.

Imports `conversion` and below.
"""
