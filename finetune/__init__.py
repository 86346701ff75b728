"""Conversations in, adapter out. Imports `chatbot` and `knowledge`, never `ui`."""
