"""What waits for a person or for another time: the brake, takeovers, restraints, refusals."""
