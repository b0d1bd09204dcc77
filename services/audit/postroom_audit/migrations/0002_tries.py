"""The history of messages: tries, whom they were for, and what became of dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "audit_0002"
down_revision = "audit_0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TIME = sa.DateTime(timezone=True)
BY_BEGINNING = {"message_id": "text_pattern_ops"}  # ids are looked up by their first characters too


def upgrade() -> None:
    """Create the tables, and find events by their ids."""
    _create_tries()
    _create_try_recipients()
    _create_dead_letter_events()
    op.create_index("ix_events_message_id", "events", ["message_id"], postgresql_ops=BY_BEGINNING)
    op.create_index("ix_events_correlation_id", "events", ["correlation_id"])


def _create_tries() -> None:
    op.create_table(
        "tries",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("try_id", sa.String(64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("queue", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("message_id", sa.String(512), nullable=False),
        sa.Column("correlation_id", sa.String(255)),
        sa.Column("app_id", sa.String(255)),
        sa.Column("published_at", TIME),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger),
        sa.Column("replays", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("error_type", sa.String(255)),
        sa.Column("error", sa.Text),
        sa.Column("place", sa.String(255)),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("next_at", TIME),
        sa.Column("recipients", sa.Text),
    )
    op.create_index("ix_tries_try_id", "tries", ["try_id"], unique=True)
    op.create_index("ix_tries_message_id", "tries", ["message_id"], postgresql_ops=BY_BEGINNING)
    op.create_index("ix_tries_correlation_id", "tries", ["correlation_id"])
    op.create_index("ix_tries_at", "tries", ["at"])
    op.create_index("ix_tries_kind_outcome_at", "tries", ["kind", "outcome", "at"])


def _create_try_recipients() -> None:
    op.create_table(
        "try_recipients",
        sa.Column("try_id", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_index("ix_try_recipients_digest", "try_recipients", ["digest"])
    op.create_index("ix_try_recipients_at", "try_recipients", ["at"])


def _create_dead_letter_events() -> None:
    op.create_table(
        "dead_letter_events",
        sa.Column("message_id", sa.String(512), primary_key=True),
        sa.Column("queue", sa.String(255), primary_key=True),
        sa.Column("told_by", sa.String(255), primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("what", sa.String(10), nullable=False),
        sa.Column("who", sa.String(255)),
        sa.Column("replays", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("was", sa.Text),
    )
    op.create_index("ix_dead_letter_events_at", "dead_letter_events", ["at"])


def downgrade() -> None:
    """Drop the tables."""
    for index in ("ix_events_correlation_id", "ix_events_message_id"):
        op.drop_index(index, "events")
    for table in ("dead_letter_events", "try_recipients", "tries"):
        op.drop_table(table)
