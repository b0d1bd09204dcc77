"""Messages from the hands of the broker to a try, and their acknowledgement."""
