"""A push becomes the accepted state, merged with what must be held from before."""
