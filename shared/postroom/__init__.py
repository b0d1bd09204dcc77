"""The ground every service stands on: contracts, topology, worker runtime, publishing, tests."""
