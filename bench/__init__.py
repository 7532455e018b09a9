"""`make bench`: how long the portal takes, against the least that anybody would have to do. No part of the portal.

shop.py     a process that serves pre-rendered answers from memory and counts its own time
engine.py   the database, the shop and the worker processes of one run
data.py     a merchant with goods and orders, made in bulk by the database
floor.py    the least: fetch, parse, COPY
worker.py   a process that does what a worker does, and says what it took
celery_worker.py  a real worker, for its memory
stand_in.py       the project's own stand-in for Centra, for its time
addresses.py      which pages are looked at
measures/   what is measured, a file per letter
report.py   docs/benchmarks.md
"""
