"""What waits for a person or for another time: brake, approval, takeovers, restraints, refusals."""
