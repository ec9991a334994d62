"""A PBS that stands in where there is none: qsub, qstat and qdel for tests."""
