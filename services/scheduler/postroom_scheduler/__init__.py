"""Publishes jobs and events at their times: any number of schedulers, each tick once, none forgotten."""
