"""The tables of the spine."""

from importlib import resources

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables, partitions, roles and policies; the SQL stands in files of its own."""
    folder = resources.files("foliot.store.schema").joinpath("migrations", "versions")
    for name in ("0001_tables.sql", "0001_rings.sql", "0001_roles.sql", "0001_intake.sql", "0001_front.sql"):
        op.get_bind().exec_driver_sql(folder.joinpath(name).read_text("utf-8").replace("%", "%%"))
