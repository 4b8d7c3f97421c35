"""What authors of detectors and extensions use in their tests.

    from detforge.testing import check_detector

    def test_keeps_the_contract():
        check_detector("centernet", spec="detforge_centernet/specs/example.txt")

`add_distribution` makes a plugin known to detforge without installing a package.
"""

from __future__ import annotations

from detforge.testing.conformance import ConformanceError, check_detector
from detforge.testing.distributions import add_distribution

__all__ = ["ConformanceError", "add_distribution", "check_detector"]
