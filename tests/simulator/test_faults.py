from anomaly.simulator.faults import ANY, USUAL, Drop, FaultPlan, Refuse

MANY = range(1, 2001)


def test_a_script_names_the_call_exactly() -> None:
    """The third job-done meets its fault; its neighbours and other operations do not."""
    plan = FaultPlan({("job-done", 3): Drop()})
    assert [plan.at("job-done", number) for number in range(1, 6)] == [None, None, Drop(), None, None]
    assert plan.at("job-take", 3) is None


def test_the_same_seed_means_the_same_faults() -> None:
    """Two plans of one seed agree on every call, whatever order they are asked in."""
    one, two = FaultPlan(rates={ANY: 0.3}, seed=7), FaultPlan(rates={ANY: 0.3}, seed=7)
    assert [one.at("job-done", number) for number in MANY] == [
        two.at("job-done", number) for number in reversed(MANY)
    ][::-1]


def test_another_seed_means_other_faults() -> None:
    """Seeds and operations differ in where their faults fall."""
    faults = {
        tuple(bool(FaultPlan(rates={ANY: 0.3}, seed=seed).at(operation, number)) for number in MANY)
        for seed, operation in [(1, "run"), (2, "run"), (1, "ping")]
    }
    assert len(faults) == 3


def test_the_rate_is_kept_and_the_whole_menu_drawn_from() -> None:
    """Of many calls the given share meets a fault, and every fault of the menu occurs."""
    met = [fault for number in MANY if (fault := FaultPlan(rates={"run": 1 / 3}, seed=1).at("run", number))]
    assert 0.30 < len(met) / len(MANY) < 0.37
    assert set(met) == set(USUAL)


def test_a_named_operation_has_its_own_rate() -> None:
    """The rate of an operation goes before the rate of all."""
    plan = FaultPlan(rates={ANY: 1.0, "ping": 0.0}, menu=[Refuse(503)])
    assert plan.at("ping", 1) is None
    assert plan.at("run", 1) == Refuse(503)


def test_a_script_goes_before_the_dice() -> None:
    """A scripted call meets what is scripted, at any rate."""
    assert FaultPlan({("run", 1): Drop()}, {ANY: 1.0}, [Refuse(503)]).at("run", 1) == Drop()
