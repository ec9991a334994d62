"""What a SAFE is: its name, its files, its metadata, and whether it is whole.

Knows no xsar. Imports `system`.
"""
