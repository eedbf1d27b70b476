"""`python -m moderator` is the command `moderator`."""

from moderator.cli import main

main()
