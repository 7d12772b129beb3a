"""`foliot doctor`: every part and setting that the promises rest on.

Another package adds checks by an entry point of the group `foliot.checks`: a function of the settings that gives
findings, and raises nothing but a `FoliotError` where its part is away.
"""

from foliot.cli.doctor.command import GROUP, doctor
from foliot.cli.doctor.findings import Finding, failure, passed, warning

__all__ = ["GROUP", "Finding", "doctor", "failure", "passed", "warning"]
