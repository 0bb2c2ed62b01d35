"""What the operator says about itself: metrics, logs, and the endpoint that serves them. A leaf, like clients."""
