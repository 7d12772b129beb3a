"""Diagrams of machines: Mermaid, Graphviz DOT and SVG, with an instance's active states and visits drawn in.

Pure: a definition goes in, a text comes out, the same for the same input. Whatever names, guards and descriptions
say, they are text in all three.
"""

from foliot.definition.diagrams.dot import dot
from foliot.definition.diagrams.marks import Marks, marks_of
from foliot.definition.diagrams.mermaid import mermaid
from foliot.definition.diagrams.svg import svg

__all__ = ["Marks", "dot", "marks_of", "mermaid", "svg"]
