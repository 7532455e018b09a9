"""Django's SQLite, emptied between two tests but for what every test finds there: see `tests/kept.py`."""
