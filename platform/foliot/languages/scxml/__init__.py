"""SCXML 1.0 of the W3C: its reader and its writer."""

from foliot.languages.scxml.reader import ScxmlReading, read_scxml, reading_of_scxml
from foliot.languages.scxml.writer import write_scxml

__all__ = ["ScxmlReading", "read_scxml", "reading_of_scxml", "write_scxml"]
