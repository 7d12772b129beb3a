"""What people use today, each in an environment of its own: naive Celery, DBOS, LangGraph on Postgres."""
