// Filled in by the live page.
