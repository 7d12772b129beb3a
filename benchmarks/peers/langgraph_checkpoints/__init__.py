"""LangGraph with its Postgres checkpointer: one invocation of a graph an event, the incident as its thread."""
