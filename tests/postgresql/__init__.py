"""Django's PostgreSQL, emptied between two tests by DELETE: TRUNCATE of so many small tables takes seconds."""
