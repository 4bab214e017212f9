"""A push becomes the accepted state: what must be held from before, and what it says of its age."""
