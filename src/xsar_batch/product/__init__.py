"""What a product is: its variables and their attributes, and how it is checked and written.

Imports `sentinel1`, `system`.
"""
