"""What runs in Jobs: ingest, fetch, train (the scikit-learn trainer), publish, and two small ones for the store.

Each step is `python -m modelward_training STEP`: it reads `task.json`, answers in its log and in a termination
message, and ends with 0, with 1 (the data, the code or the model is at fault: not retried) or with 75 (the
infrastructure is: retried). Steps import only what they need, because pods start with them.
"""
