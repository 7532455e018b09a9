"""Answers that nobody thought of, by the ten thousand; the same ones in every run.

mutate     a row or a whole answer, changed at random from a seed
mirror     stands between the portal and the sandbox, and changes what the shop answers
"""
