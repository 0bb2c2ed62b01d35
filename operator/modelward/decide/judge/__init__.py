"""Is the candidate harmful, compared with the version in service at the same time?

Three outcomes, not two: Harm rolls back from any state; NoEvidence holds; Ok lets the rollout go on. Each judge is a
pure function (evidence, thresholds) → Finding, and `verdict.judge` asks them in order.
"""
