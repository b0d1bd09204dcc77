"""`postroom demo`: every feature once on this machine, with a real broker, real services and a real mail server."""
