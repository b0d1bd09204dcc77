"""Groups and conditions have a state, notifications follow rules, and a failure is open until it is settled."""

import sqlalchemy as sa
from alembic import op

revision = "alerting_0002"
down_revision = "alerting_0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)

# What is there was told by now, and is open: nothing tells which of its messages were done meanwhile.
_CONCERNS = """
INSERT INTO concerns
    (cause, about, name, what, state, episode, opened_at, last_at, closed_by, total, unsettled, muted_by, mute_reason)
SELECT cause, 'failures', queue, error_type, 'open', 1, last_at, last_at, '', count,
    (SELECT count(*) FROM failures WHERE failures.cause = failure_groups.cause), '', ''
FROM failure_groups
"""
_NOTICES = """
INSERT INTO concern_notices (cause, channel, role, told_episode, told_state, told_count, told_at, next_at, tries)
SELECT cause, channel, 'first', CASE WHEN told_at IS NULL THEN 0 ELSE 1 END,
    CASE WHEN told_at IS NULL THEN '' ELSE 'open' END, told_count, told_at, told_at, tries
FROM failure_notices
"""


def upgrade() -> None:
    """Create the new tables, and fill them from the old ones."""
    op.add_column("failures", sa.Column("state", sa.String(16), nullable=False, server_default="open"))
    op.add_column("failure_groups", sa.Column("place", sa.String(255), nullable=False, server_default=""))
    op.create_index("ix_failures_last_at", "failures", ["last_at"])
    op.create_index("ix_failure_groups_last_at", "failure_groups", ["last_at"])
    _create_concerns()
    _create_notices()
    op.create_table(
        "conditions",
        sa.Column("cause", sa.String(16), sa.ForeignKey("concerns.cause", ondelete="CASCADE"), primary_key=True),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("advice", sa.Text, nullable=False),
        sa.Column("since", _TIME, nullable=False),
    )
    op.create_index("ix_conditions_source", "conditions", ["source"])
    op.create_table(
        "failure_trend",
        sa.Column("cause", sa.String(16), primary_key=True),
        sa.Column("at", _TIME, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("ix_failure_trend_at", "failure_trend", ["at"])
    op.create_table(
        "settlements",
        sa.Column("queue", sa.String(255), primary_key=True),
        sa.Column("message_id", sa.String(255), primary_key=True),
        sa.Column("done_replays", sa.Integer, nullable=False),
        sa.Column("discarded_at", _TIME),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_index("ix_settlements_at", "settlements", ["at"])
    op.execute(_CONCERNS)
    op.execute(_NOTICES)
    op.drop_table("failure_notices")


def _create_concerns() -> None:
    op.create_table(
        "concerns",
        sa.Column("cause", sa.String(16), primary_key=True),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("what", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("closed_by", sa.String(255), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("unsettled", sa.Integer, nullable=False),
        sa.Column("muted_until", _TIME),
        sa.Column("muted_by", sa.String(255), nullable=False),
        sa.Column("mute_reason", sa.Text, nullable=False),
    )
    op.create_index("ix_concerns_closed_at", "concerns", ["closed_at"])


def _create_notices() -> None:
    op.create_table(
        "concern_notices",
        sa.Column("cause", sa.String(16), sa.ForeignKey("concerns.cause", ondelete="CASCADE"), primary_key=True),
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), primary_key=True),
        sa.Column("due_at", _TIME),
        sa.Column("told_episode", sa.Integer, nullable=False),
        sa.Column("told_state", sa.String(16), nullable=False),
        sa.Column("told_count", sa.Integer, nullable=False),
        sa.Column("told_at", _TIME),
        sa.Column("alone_at", _TIME),
        sa.Column("next_at", _TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("held_by", sa.String(36)),
        sa.Column("held_until", _TIME),
    )
    op.create_index("ix_concern_notices_channel", "concern_notices", ["channel"])
    op.create_table(
        "channels",
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("digest_at", _TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("held_by", sa.String(36)),
        sa.Column("held_until", _TIME),
    )


def downgrade() -> None:
    """Drop what is new. What channels were told is forgotten: open groups are told once more."""
    for table in ("channels", "concern_notices", "settlements", "failure_trend", "conditions", "concerns"):
        op.drop_table(table)
    op.drop_index("ix_failure_groups_last_at", "failure_groups")
    op.drop_index("ix_failures_last_at", "failures")
    op.drop_column("failure_groups", "place")
    op.drop_column("failures", "state")
    op.create_table(
        "failure_notices",
        sa.Column("cause", sa.String(16), primary_key=True),
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("told_count", sa.Integer, nullable=False),
        sa.Column("told_at", _TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("held_by", sa.String(36)),
        sa.Column("held_until", _TIME),
    )
    op.create_index("ix_failure_notices_channel", "failure_notices", ["channel"])
