"""What Foliot adds to pytest: files of scenarios are collected as tests, and two fixtures."""
