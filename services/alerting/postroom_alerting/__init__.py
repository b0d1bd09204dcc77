"""Tells people what could not be done: a record of every dead letter, and one notification per cause."""
