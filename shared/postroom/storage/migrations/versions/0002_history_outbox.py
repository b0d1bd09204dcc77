"""The history becomes an outbox: all that `job.recorded` says of a try, and whether it was published."""

import sqlalchemy as sa
from alembic import op

revision = "runtime_0002"
down_revision = "runtime_0001"
branch_labels = None
depends_on = None

UNTOLD = sa.text("NOT is_told")


def upgrade() -> None:
    """Add the columns. Rows from before count as published: they lack the new columns' values."""
    for column in (
        sa.Column("try_id", sa.String(64)),
        sa.Column("kind", sa.String(255)),
        sa.Column("app_id", sa.String(255)),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer),
        sa.Column("place", sa.String(255)),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("recipients", sa.Text),
        sa.Column("holder", sa.String(64)),
        sa.Column("is_told", sa.Boolean, nullable=False, server_default=sa.true()),
    ):
        op.add_column("history", column)
    op.create_index("ix_history_untold", "history", ["holder", "id"], sqlite_where=UNTOLD, postgresql_where=UNTOLD)


def downgrade() -> None:
    """Drop the columns."""
    op.drop_index("ix_history_untold", "history")
    for name in (
        *("is_told", "holder", "recipients", "next_at", "place", "attempts"),
        *("published_at", "app_id", "kind", "try_id"),
    ):
        op.drop_column("history", name)
