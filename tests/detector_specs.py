"""What becomes of the text of a spec, for the tests of one detector."""

from __future__ import annotations

from detforge.errors import SpecError
from detforge.plugins import load_detector
from detforge.recipe import Recipe
from detforge.spec import Spec, parse_spec


class DetectorSpecs:
    """Reads specs of one detector."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, text: str) -> Spec:
        """Return a spec, with its defaults; what takes several fields is for the recipe."""
        detector = load_detector(self._name)
        return parse_spec(text, detector.spec_schema(), check=detector.check)

    def recipe(self, text: str) -> Recipe:
        return load_detector(self._name).recipe(self.read(text))

    def problems(self, text: str) -> list[str]:
        """Return what is wrong: path and message of each problem, without the place."""
        try:
            self.recipe(text)
        except SpecError as err:
            return [f"{problem.path}: {problem.message}" for problem in err.problems]
        return []

    def warnings(self, text: str) -> list[str]:
        """Return the warnings of the spec and of its recipe, likewise."""
        spec = self.read(text)
        found = [*spec.warnings, *load_detector(self._name).recipe(spec).warnings]
        return [f"{warning.path}: {warning.message}" for warning in found]
