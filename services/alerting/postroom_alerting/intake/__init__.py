"""Dead letters as they come in: each is read, masked and recorded as a failure, by message and by cause."""
