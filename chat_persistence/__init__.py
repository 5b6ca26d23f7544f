"""Durable memory for async chatbots."""
