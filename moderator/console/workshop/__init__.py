"""What the pages for authors do with policies and posts; it knows nothing of the web."""
