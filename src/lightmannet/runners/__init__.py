"""Running the cells of a table: processes, a cluster, locks, progress."""
