"""What is on this machine, as a page: facts, statistics, contact sheets and near-duplicates of the data sets."""
