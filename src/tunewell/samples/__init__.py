"""Sample data that comes with the package, written for it. Data only, one folder a task."""
