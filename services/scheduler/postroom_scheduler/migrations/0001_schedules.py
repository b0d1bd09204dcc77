"""The scheduler's tables: schedules and ticks."""

import sqlalchemy as sa
from alembic import op

revision = "scheduler_0001"
down_revision = None
branch_labels = ("scheduler",)
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(300), primary_key=True),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("is_paused", sa.Boolean, nullable=False),
        sa.Column("next_at", TIME),
        sa.Column("last_at", TIME),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"])
    op.create_table(
        "ticks",
        sa.Column("schedule", sa.String(300), primary_key=True),
        sa.Column("fire_time", TIME, primary_key=True),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("exchange", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("correlation_id", sa.String(255)),
        sa.Column("app_id", sa.String(255)),
        sa.Column("claimed_until", TIME),
        sa.Column("published_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("error", sa.String(1000)),
    )
    op.create_index("ix_ticks_state_due_at", "ticks", ["state", "due_at"])
    op.create_index("ix_ticks_message_id", "ticks", ["message_id"])
