"""What must not be seen: secrets and people in logs, histories and dead letters."""
