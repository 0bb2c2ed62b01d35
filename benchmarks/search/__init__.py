"""Does a search find more than chance? TPE and CMA-ES against random, with the suggestions of trials."""
