"""`moderator eval`: how well rules and encoders judge labelled posts."""
