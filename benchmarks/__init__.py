"""What Foliot and its peers cost for the same work on the same machine: measured, kept as JSON, shown as a page."""
