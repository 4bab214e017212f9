"""What runs each Regent in a cluster: made, repaired, removed."""
