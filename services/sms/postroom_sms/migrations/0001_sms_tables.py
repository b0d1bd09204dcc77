"""The tables of the SMS service: texts, their parts, numbers that have opted out."""

import sqlalchemy as sa
from alembic import op

revision = "sms_0001"
down_revision = None
branch_labels = ("sms",)
depends_on = None

_NOT_ANNOUNCED = sa.text("ended_at IS NOT NULL AND announced_at IS NULL")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sms_texts",
        sa.Column("queue", sa.String(255), primary_key=True),
        sa.Column("job_id", sa.String(255), primary_key=True),
        sa.Column("to_masked", sa.String(40), nullable=False),
        sa.Column("to_hash", sa.String(64)),
        sa.Column("sender", sa.String(16)),
        sa.Column("encoding", sa.String(5), nullable=False),
        sa.Column("segments", sa.Integer, nullable=False),
        sa.Column("state", sa.String(11), nullable=False),
        sa.Column("may_be_double", sa.Boolean, nullable=False),
        sa.Column("gateway", sa.String(20)),
        sa.Column("reason", sa.String(300)),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("announced_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_sms_texts_to_hash", "sms_texts", ["to_hash"])
    op.create_index("ix_sms_texts_at", "sms_texts", ["at"])
    op.create_index(
        "ix_sms_texts_not_announced",
        "sms_texts",
        ["ended_at"],
        sqlite_where=_NOT_ANNOUNCED,
        postgresql_where=_NOT_ANNOUNCED,
    )
    op.create_table(
        "sms_parts",
        sa.Column("gateway", sa.String(20), primary_key=True),
        sa.Column("provider_id", sa.String(255), primary_key=True),
        sa.Column("queue", sa.String(255)),
        sa.Column("job_id", sa.String(255)),
        sa.Column("state", sa.String(11), nullable=False),
        sa.Column("reason", sa.String(300)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_sms_parts_text", "sms_parts", ["queue", "job_id"])
    op.create_index("ix_sms_parts_at", "sms_parts", ["at"])
    op.create_table(
        "sms_opted_out",
        sa.Column("number", sa.String(16), primary_key=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("sms_opted_out")
    op.drop_table("sms_parts")
    op.drop_table("sms_texts")
