"""What runs everything on one machine: a broker, the services, a mail server, the demo. No service imports it."""
