"""The tables of the webhook service: attempts, sources, items."""

import sqlalchemy as sa
from alembic import op

revision = "webhook_0001"
down_revision = None
branch_labels = ("webhook",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("replays", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("host", sa.String(300), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.String(1000)),
        sa.Column("response", sa.Text, nullable=False),
        sa.Column("milliseconds", sa.Integer, nullable=False),
    )
    op.create_index("ix_webhook_attempts_message_id", "webhook_attempts", ["message_id", "id"])
    op.create_index("ix_webhook_attempts_at", "webhook_attempts", ["at"])
    op.create_table(
        "webhook_sources",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("description", sa.String(64), nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("cursor", sa.Text),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("held_by", sa.String(255)),
        sa.Column("held_until", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "webhook_items",
        sa.Column("source", sa.String(128), primary_key=True),
        sa.Column("item_id", sa.String(255), primary_key=True),
        sa.Column("hash", sa.String(64)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("webhook_items", "webhook_sources", "webhook_attempts"):
        op.drop_table(table)
