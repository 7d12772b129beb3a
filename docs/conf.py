"""How Sphinx builds the site: `make docs`.

The pages are CommonMark, so that they read alike here and where the repository is browsed. Everything that a page needs
lies beside it: no fonts, scripts or styles come from elsewhere.
"""

# ruff: noqa: INP001 - Sphinx's configuration, which is no package

from importlib.metadata import version as version_of

project = "Foliot"
project_copyright = "the authors of Foliot"
version = release = version_of("foliot")
language = "en"

extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["_build"]
highlight_language = "none"
nitpicky = True

myst_heading_anchors = 4

html_theme = "furo"
html_title = "Foliot"
html_copy_source = False
html_show_sourcelink = False
# Furo would else ask for a page's source at an address that it guesses.
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}
