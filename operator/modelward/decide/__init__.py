"""Decisions, pure: (observed, settings, now) → Plan. No I/O, no clock, no randomness."""
