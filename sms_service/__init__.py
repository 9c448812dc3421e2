"""Everything that is true of the service without Flask and without RQ."""
