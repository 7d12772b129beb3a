"""Kafka in (events), Kafka out (outbox and changes)."""
