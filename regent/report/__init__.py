"""What is told of drift, and the bodies of the API."""
