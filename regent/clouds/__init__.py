"""Tokens of AWS, GCP and Azure as the admin's password, by the clouds' own libraries."""
