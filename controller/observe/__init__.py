"""What is declared in the cluster: caches, and one reading of them per look."""
