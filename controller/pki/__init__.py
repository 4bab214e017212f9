"""Two private CAs, the certificates that they sign, and their rotation."""
