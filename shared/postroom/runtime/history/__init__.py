"""What is told of tries: counts each minute, and each try by itself."""
