"""Records every dead letter, watches the installation, and notifies people: one incident for each cause."""
