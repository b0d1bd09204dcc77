"""The runtime's tables: inbox, workers, history."""

import sqlalchemy as sa
from alembic import op

revision = "runtime_0001"
down_revision = None
branch_labels = ("runtime",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "inbox",
        sa.Column("queue", sa.String(255), primary_key=True),
        sa.Column("identity", sa.String(512), primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_inbox_finished_at", "inbox", ["finished_at"])
    op.create_table(
        "workers",
        sa.Column("holder", sa.String(64), primary_key=True),
        sa.Column("beats", sa.Integer, nullable=False),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.String(255), nullable=False),
        sa.Column("message_id", sa.String(512)),
        sa.Column("correlation_id", sa.String(255)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("replays", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("error_type", sa.String(255)),
        sa.Column("error", sa.Text),
        sa.Column("milliseconds", sa.Float, nullable=False),
    )
    op.create_index("ix_history_message_id", "history", ["message_id"])
    op.create_index("ix_history_at", "history", ["at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("history", "workers", "inbox"):
        op.drop_table(table)
