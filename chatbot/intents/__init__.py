"""Intents that a team teaches by example: features, model, training, store, scores."""
