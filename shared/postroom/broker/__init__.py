"""RabbitMQ: connections, publishing, its management API, and the topology of all services."""
