"""Land polygons: the GSHHG coastline, or a file of the user's, in tiles with a spatial index.

Imports `system`.
"""
