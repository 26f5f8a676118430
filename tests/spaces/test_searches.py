"""Every strategy searches every space."""

import numpy as np
import pytest
from test_laws import SPACES
from test_strategies import MAKE, evaluate

import nasedu as nas

TRIALS = 12


@pytest.mark.parametrize("space", [space for space, _ in SPACES.values()], ids=SPACES)
@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_strategy_searches_a_space(make, space):
    found = nas.search(make(space, np.random.default_rng(0)), evaluate, TRIALS).run(progress=False)
    assert len(found.trials) == TRIALS and all(trial.architecture in space for trial in found.trials)
