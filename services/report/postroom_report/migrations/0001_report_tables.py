"""The tables of the report service: runs, documents, cancellations."""

import sqlalchemy as sa
from alembic import op

revision = "report_0001"
down_revision = None
branch_labels = ("report",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "report_runs",
        sa.Column("job_id", sa.String(255), primary_key=True),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("format", sa.String(10), nullable=False),
        sa.Column("initiated_by", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("object_key", sa.String(300)),
        sa.Column("url", sa.Text),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("error", sa.String(1000)),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_report_runs_started_at", "report_runs", ["started_at"])
    op.create_index("ix_report_runs_expires_at", "report_runs", ["expires_at"])
    op.create_table(
        "report_documents",
        sa.Column("job_id", sa.String(255), primary_key=True),
        sa.Column("part", sa.String(200), primary_key=True),
        sa.Column("object_key", sa.String(300), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "report_cancellations",
        sa.Column("job_id", sa.String(255), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("report_cancellations", "report_documents", "report_runs"):
        op.drop_table(table)
