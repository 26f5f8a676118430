"""Some search spaces for tests: installed ones, a plain one, and a student's own. All are in spaces/test_laws.py."""

from nasedu.core import Decision, SearchSpace
from nasedu.spaces import DARTS, MLP, Chain, NASBench201


class Perceptron(SearchSpace):
    """A student's own space: one or two hidden layers, the second not wider than the first."""

    def __init__(self):
        units = (4, 8, 16)
        decisions = [Decision("layers", (1, 2)), Decision("units 1", units), Decision("units 2", units)]
        super().__init__("perceptron", decisions)

    def active(self, choices):
        return (True, True, choices[0] == 1)

    def is_valid(self, choices):
        """The second layer is not wider than the first."""
        return choices[0] == 0 or choices[2] <= choices[1]


PERCEPTRONS = 3 + 6

SPACES = {
    "nasbench201": NASBench201(),
    "darts": DARTS(),
    "chain": Chain(),
    "chain with skips": Chain(min_depth=2, max_depth=3, skips=True),
    "mlp": MLP(skips=True),
    "plain": SearchSpace("toy", [Decision("width", (8, 16, 32)), Decision("rate", (0.1, 1e-5)), Decision("no", (1,))]),
    "perceptron": Perceptron(),
}
SMALL_CHAIN = {"max_depth": 2, "widths": (8, 16), "kernels": (3,), "activations": ("relu",), "skips": True}
