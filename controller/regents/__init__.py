"""The Regents that the controller talks to: client, conversation, fleet."""
