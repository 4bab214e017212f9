"""The server and the way in: address, connecting, authentication, the pool, what an error means."""
