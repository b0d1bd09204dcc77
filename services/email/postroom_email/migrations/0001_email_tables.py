"""The tables of the e-mail service: suppressions, recipients."""

import sqlalchemy as sa
from alembic import op

revision = "email_0001"
down_revision = None
branch_labels = ("email",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "email_suppressions",
        sa.Column("address", sa.String(320), primary_key=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "email_recipients",
        sa.Column("queue", sa.String(255), primary_key=True),
        sa.Column("job_id", sa.String(255), primary_key=True),
        sa.Column("recipient", sa.String(320), primary_key=True),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("answer", sa.String(300), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_email_recipients_at", "email_recipients", ["at"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("email_recipients")
    op.drop_table("email_suppressions")
