from benchmarks import measuring


def test_measuring_in_place_costs_the_server_all_of_it() -> None:
    """Without processes the server's own CPU time is what measuring costs, and all cracks are measured."""
    asked = measuring.jobs()[:3]
    row = measuring.measure(0, asked, 1)
    assert row["server_ms"] > 0
    assert row["processes_ms"] == 0
    assert all(job.mask.area and job.photo is not None for job in asked)
