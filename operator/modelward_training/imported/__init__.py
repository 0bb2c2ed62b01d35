"""Models that were trained elsewhere: brought to where `publish` takes a model from."""
