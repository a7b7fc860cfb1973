"""The page on what judges see: the same scene on HR, on zoomed LR and on every restoration, beside the numbers."""
