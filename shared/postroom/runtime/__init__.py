"""One service at work: between its transport, RabbitMQ or a file, and its handlers."""
