"""The table of heartbeats has their name. No row changes."""

from alembic import op

revision = "alerting_watching_0002"
down_revision = "alerting_watching_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename."""
    op.rename_table("heard", "heartbeats")
    op.execute("ALTER TABLE heartbeats RENAME COLUMN heard_at TO received_at")


def downgrade() -> None:
    """Give the table and its column their old names."""
    op.execute("ALTER TABLE heartbeats RENAME COLUMN received_at TO heard_at")
    op.rename_table("heartbeats", "heard")
