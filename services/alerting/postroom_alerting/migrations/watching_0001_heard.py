"""What processes have told of themselves. A branch of its own: nothing in it needs the other tables."""

import sqlalchemy as sa
from alembic import op

revision = "alerting_watching_0001"
down_revision = None
branch_labels = ("alerting_watching",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "heard",
        sa.Column("topic", sa.String(20), primary_key=True),
        sa.Column("service", sa.String(255), primary_key=True),
        sa.Column("instance", sa.String(255), primary_key=True),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("late_seconds", sa.Float, nullable=False),
        sa.Column("due", sa.Integer, nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("heard")
