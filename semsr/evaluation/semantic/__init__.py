"""Measuring what segmenters find against annotations: panoptic quality, average precision, mean IoU."""
