"""What is wrong with a Regent and its server, read without a daemon, and what helps."""
