"""One turn of conversation. Imports `knowledge` and nothing else of ours."""
