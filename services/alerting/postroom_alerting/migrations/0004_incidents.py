"""Tables and columns have the names of incidents, notifications and silences. No row changes."""

from alembic import op

revision = "alerting_0004"
down_revision = "alerting_0003"
branch_labels = None
depends_on = None

_TABLES = {
    "concerns": "incidents",
    "concern_notices": "notification_states",
    "lone_messages": "single_notifications",
}
_CLAIM = {"held_by": "claimed_by", "held_until": "claimed_until"}
_COLUMNS = {
    "incidents": {
        "cause": "key",
        "muted_until": "silenced_until",
        "muted_by": "silenced_by",
        "mute_reason": "silence_reason",
    },
    "conditions": {"cause": "incident_key"},
    "notification_states": {
        "cause": "incident_key",
        "told_episode": "notified_episode",
        "told_state": "notified_state",
        "told_count": "notified_count",
        "told_at": "notified_at",
        **_CLAIM,
    },
    "channels": _CLAIM,
}
_INDEXES = [  # old name, new name, table as it is named now, columns
    ("ix_concerns_closed_at", "ix_incidents_closed_at", "incidents", ["closed_at"]),
    ("ix_concern_notices_channel", "ix_notification_states_channel", "notification_states", ["channel"]),
    ("ix_lone_messages_channel_at", "ix_single_notifications_channel_at", "single_notifications", ["channel", "at"]),
]


def upgrade() -> None:
    """Rename."""
    for old, new in _TABLES.items():
        op.rename_table(old, new)
    for table, columns in _COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for old, new, table, columns in _INDEXES:  # SQLite cannot rename an index
        op.drop_index(old, table)
        op.create_index(new, table, columns)


def downgrade() -> None:
    """Give everything its old name."""
    for old, new, table, columns in _INDEXES:
        op.drop_index(new, table)
        op.create_index(old, table, columns)
    for table, columns in _COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
    for old, new in _TABLES.items():
        op.rename_table(new, old)
