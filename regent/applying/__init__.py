"""How a plan's changes are carried out: one module a kind of work, none of them knows the order."""
