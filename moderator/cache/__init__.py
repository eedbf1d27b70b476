"""Embeddings kept between posts: in memory, in Redis, in both."""
