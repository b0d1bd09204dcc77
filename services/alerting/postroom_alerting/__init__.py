"""Records every dead letter, monitors the installation, and notifies people: one incident for each cause."""
