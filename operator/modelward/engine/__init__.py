"""The loop that everything runs in: a queue of keys, workers that observe, decide and act, a sweep that trusts nobody.

handlers ──key──▶ queue ──due key──▶ loop: observe → decide → act
                    ▲                  │ requeue_after, backoff
sweep ──────────────┴──────────────────┘
"""
