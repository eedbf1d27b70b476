"""`moderator demo`: the whole service on one machine, nothing to install."""
