"""What adopting a server would take and touch, before anything is written to it.

`reading` reads, in READ ONLY transactions; the rest is rules over what was read, pure.
"""
