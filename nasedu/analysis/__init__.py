"""What searches found, as numbers: histories and races in, arrays and frames out. ``nasedu.plots`` draws them."""

from nasedu.analysis.order_statistics import expected_best, expected_maximum

__all__ = ["expected_best", "expected_maximum"]
