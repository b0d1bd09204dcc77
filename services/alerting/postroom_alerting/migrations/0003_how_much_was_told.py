"""Messages about one concern are counted per channel, and changes of one concern are told in measure."""

import sqlalchemy as sa
from alembic import op

revision = "alerting_0003"
down_revision = "alerting_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. When a concern was told last by itself is over now, so it may be told again."""
    op.create_table(
        "lone_messages",
        sa.Column("token", sa.String(36), primary_key=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_lone_messages_channel_at", "lone_messages", ["channel", "at"])
    op.execute("ALTER TABLE concern_notices RENAME COLUMN alone_at TO quiet_until")


def downgrade() -> None:
    """Drop the table, and give the column its name back."""
    op.execute("ALTER TABLE concern_notices RENAME COLUMN quiet_until TO alone_at")
    op.drop_table("lone_messages")
