"""What has nothing to do with Sentinel-1: files in one step, processes, threads, messages.

Imports `failures` and nothing else of xsar_batch.
"""
