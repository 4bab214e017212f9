"""Admins that are not superusers, shaped as managed services and operators shape them."""
