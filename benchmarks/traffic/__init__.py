"""What the split, its shields and a CPU quota cost, and whether a server lives through ten minutes of all of it."""
