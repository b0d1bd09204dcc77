"""The chores: deletes what is old, backs databases up, archives history, keeps OAuth2 tokens fresh."""
