"""`postroom demo`: the whole story on this machine, with a real broker, real services and a real mail server."""
