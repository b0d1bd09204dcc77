"""The alerting service's tables: failures, their causes, and what each channel was told."""

import sqlalchemy as sa
from alembic import op

revision = "alerting_0001"
down_revision = None
branch_labels = ("alerting",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "failures",
        sa.Column("queue", sa.String(255), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("error_type", sa.String(255), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_death", sa.String(512), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("replays", sa.Integer, nullable=False),
    )
    op.create_index("ix_failures_cause_last_at", "failures", ["cause", "last_at"])
    op.create_table(
        "failure_groups",
        sa.Column("cause", sa.String(16), primary_key=True),
        sa.Column("queue", sa.String(255), nullable=False),
        sa.Column("error_type", sa.String(255), nullable=False),
        sa.Column("folded_error", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("notified_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "failure_notices",
        sa.Column("cause", sa.String(16), primary_key=True),
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("told_count", sa.Integer, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("held_by", sa.String(36)),
        sa.Column("held_until", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_failure_notices_channel", "failure_notices", ["channel"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("failure_notices", "failure_groups", "failures"):
        op.drop_table(table)
