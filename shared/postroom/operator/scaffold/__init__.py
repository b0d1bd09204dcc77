"""`postroom new service`: a small repository with a service of one's own, which works at once."""

from postroom.operator.scaffold.service import NewService, is_in_workspace, write_service

__all__ = ["NewService", "is_in_workspace", "write_service"]
