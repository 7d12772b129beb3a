"""Foliot's part in `make bench-engine`: programs that load its engine and what measures it, and nothing else."""
