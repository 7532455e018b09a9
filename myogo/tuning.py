"""How the interpreter of a long-lived process is set; each calls `tune` once, when all is imported."""

from __future__ import annotations

import gc
import sys

OBJECTS = 20_000  # that are made before the collector looks; 700 by default, which a single page of a catalogue exceeds
SWITCH = 0.0001  # seconds after which a thread that only computes gives way; 5 ms by default


def tune() -> None:
    """Collect less often, and never look again at what the start-up made; give way soon to a thread that was waiting.

    While one page is written, a thread reads the next (`products/ahead.py`): with the usual 5 ms each answer of the
    database would wait for that thread as long as ten statements take.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 20)
    sys.setswitchinterval(SWITCH)
