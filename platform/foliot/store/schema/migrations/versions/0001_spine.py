"""The tables of the spine."""

from importlib import resources

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables, partitions, roles and policies; the SQL stands in files of its own."""
    folder = resources.files("foliot.store.schema").joinpath("migrations", "versions")
    for part in ("tables", "rings", "roles", "intake", "steps", "front", "repairs"):
        op.get_bind().exec_driver_sql(folder.joinpath(f"0001_{part}.sql").read_text("utf-8").replace("%", "%%"))
