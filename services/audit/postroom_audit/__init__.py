"""Records the history: every domain event as a row, tries of jobs, and measurements per minute."""
