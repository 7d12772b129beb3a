"""The tables and their migrations. Apart from `foliot.store`, so that no worker waits for SQLAlchemy and Alembic."""

from foliot.store.schema import tables
from foliot.store.schema.upgrading import WrongShards, newest_revision, upgrade

__all__ = ["WrongShards", "newest_revision", "tables", "upgrade"]
