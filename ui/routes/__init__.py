"""The routes of /api/v1 for staff's programs, one file per noun."""
