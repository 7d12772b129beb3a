"""DBOS: one workflow an event, with the event's id as its own and one transaction as its step."""
