"""What a service publishes of its tries: counts each minute, and each try by itself."""
