"""Adds the kind of a dead letter: one that no queue took, or that the broker buried, has no try that says it."""

import sqlalchemy as sa
from alembic import op

revision = "audit_0003"
down_revision = "audit_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("dead_letter_events", sa.Column("kind", sa.String(255)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("dead_letter_events", "kind")
