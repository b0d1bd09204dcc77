"""What a person does by command: everything of `postroom`, and dead letters."""
