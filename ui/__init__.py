"""People and programs: command line, web pages, HTTP API. Imported by nobody."""
