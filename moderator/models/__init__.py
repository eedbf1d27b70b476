"""Model folders: which there are, fetching and checking them, making them smaller."""
