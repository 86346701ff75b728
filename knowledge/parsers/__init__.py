"""One reader per file type; each has parse(path) -> Parsed."""
