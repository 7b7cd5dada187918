from anomaly.simulator.roster import Roster


def test_a_worker_starts_gets_ready_works_and_goes() -> None:
    """Health counts a worker as initializing, then idle and ready, then running, then not at all."""
    roster = Roster(lambda: 0.0, 40)
    seen = []
    roster.started("w")
    seen.append(roster.counts(set()))
    roster.heard("w", ready=True)
    seen.append(roster.counts(set()))
    seen.append(roster.counts({"w"}))
    roster.gone("w")
    seen.append(roster.counts({"w"}))
    assert [{kind for kind, count in counts.items() if count} for counts in seen] == [
        {"initializing"},
        {"idle", "ready"},
        {"running"},
        set(),
    ]
    assert set(seen[0]) == {"idle", "initializing", "ready", "running", "throttled", "unhealthy"}


def test_a_worker_that_only_pings_is_not_ready() -> None:
    """A heartbeat alone does not make a worker ready for jobs."""
    roster = Roster(lambda: 0.0, 40)
    roster.heard("w")
    assert roster.counts(set())["initializing"] == 1


def test_a_worker_that_says_it_is_unhealthy_is() -> None:
    """An unhealthy report takes a worker out of the others, whatever it does after."""
    roster = Roster(lambda: 0.0, 40)
    roster.heard("w", ready=True, unhealthy="disk: full")
    roster.heard("w", ready=True)
    counts = roster.counts({"w"})
    assert (counts["unhealthy"], counts["idle"], counts["running"]) == (1, 0, 0)
    presence = roster.presence("w")
    assert presence is not None
    assert presence.unhealthy == "disk: full"


def test_a_silent_worker_is_no_longer_counted() -> None:
    """A worker that nobody has heard of for a while is left out until it speaks again."""
    now = [0.0]
    roster = Roster(lambda: now[0], 40)
    roster.heard("w", ready=True)
    now[0] = 40.0
    assert roster.counts(set())["idle"] == 0
    roster.heard("w")
    assert roster.counts(set())["idle"] == 1
