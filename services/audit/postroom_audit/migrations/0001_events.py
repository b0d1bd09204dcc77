"""The audit service's tables: events, and measurements of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "audit_0001"
down_revision = None
branch_labels = ("audit",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "events",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.String(255)),
        sa.Column("correlation_id", sa.String(255)),
        sa.Column("app_id", sa.String(255)),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_events_kind_message_id", "events", ["kind", "message_id"], unique=True)
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_kind_at", "events", ["kind", "at"])
    op.create_table(
        "job_measurements",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("queue", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
    )
    op.create_index(
        "ix_job_measurements_once",
        "job_measurements",
        ["message_id", "queue", "outcome", "milliseconds"],
        unique=True,
    )
    op.create_index("ix_job_measurements_at", "job_measurements", ["at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("job_measurements", "events"):
        op.drop_table(table)
