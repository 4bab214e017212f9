"""The pages for users, and what writes those that can be written."""
