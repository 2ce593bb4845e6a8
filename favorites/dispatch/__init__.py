"""Why this product exists.

A customer asks for a mechanic: a session request. Workshop before favorite before everyone (`routing`);
a hybrid workshop has a head start only, which the clock ends like a window.
A favorite is asked first, alone, for a priority window frozen on the row (`offering`).
Inside the window nobody else finds it; from its end on everyone may answer, even if no process lives.
The preferred mechanic's decline, the customer's "ask everyone now", a suspension or an error broadcasts it at once.
Otherwise the sweep announces the end (`fallback`): exactly once, however many sweepers run (`due` says what).
A row on which it fails holds up no other; after three tries it goes a plain way (`poison`, `plainly`).
The first to accept has the job; every other caller gets a definite answer (`answers`).
Before the start it can be released, and those it was taken back from are not asked again.
What nobody takes expires and gives back what it cost (`money`).
Each change of state is one conditional statement and writes its events in its own transaction (`events`).
The database decides, by its own clock.

                         decline, lapse, open, suspension, error
                    ┌──────────────────────────────────────────────┐
    (fulfill) ──▶ pending: priority window ──────────────▶ pending: broadcast ──▶ expired
                    │      │                                 ▲  │     │
                    │      └────── accept ──▶ accepted ──────┘  │     │
                    │                        │   │  release     │     │
                    ▼                        │   └◀── accept ───┘     ▼
                cancelled ◀── before start ──┘ start, complete    cancelled
                                             ▼
                                         completed
"""
