"""The worker: Kafka in, Kafka out."""
