"""Files from outside (weights, archives, photographs): fetched from mirrors, verified before every use, opened without running anything."""
