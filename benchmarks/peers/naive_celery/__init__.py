"""Naive Celery: one task an event, which locks a row, steps it and writes a journal line."""
