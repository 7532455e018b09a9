"""The Order API of a shop.

entrance ─ plugin? ─ lever? ─ key? ─ endpoint? ─ permission? ─ JSON? ─ handler ─ answer
"""
