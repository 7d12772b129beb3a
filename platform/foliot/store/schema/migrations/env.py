"""Alembic's entry: migrations run on the connection that `foliot.store.schema.upgrade` hands over."""

from alembic import context

from foliot.store.schema.shapes import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
