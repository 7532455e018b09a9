"""`make fire`: a storm over the whole portal, and the proof afterwards that nothing was lost, doubled or wrong.

plan       what will happen, drawn from a seed: purchases, changes of mind, looks at pages, faults, deaths (pure)
engines    a PostgreSQL database and a Redis of its own, web processes, workers and beat that may be killed
town       shops of several kinds, and everything that people do in them by calls
ways       which pages people look at, and how they get there (pure)
reading    a page's links, forms and sentences
browser    a person's browser, and what counts as an error there
visits     what people do at browsers: pages, buttons, rounds at the staff's desk
storm      the plan, carried out beside real workers
embers     after a whole storm: the calls are made that faults not yet met wait for
quiet      the faults end; people mend what only people can; everything is waited for
truth      lost, doubled, wrong: read from both sides
ours       what failed in our own code, by the runs and by the logs of the processes
report     `docs/fire.md`
"""
