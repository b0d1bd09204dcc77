"""The storage of a service: database and migrations, objects, credentials, retention."""
