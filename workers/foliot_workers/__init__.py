"""The Celery app of Foliot: step, effects and sweeps; implements the port `Wake`."""
