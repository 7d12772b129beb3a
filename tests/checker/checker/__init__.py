"""A judge of Foliot's runs that shares no code with Foliot: evidence in, verdict out.

README.md beside this package lists the evidence, the invariants and what is taken on trust.
"""
