"""What a service keeps: its database and migrations, objects, credentials, and for how long."""
