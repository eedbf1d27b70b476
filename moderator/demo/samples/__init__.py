"""Two hundred and more posts to try a service with, made up and drawn by code."""
