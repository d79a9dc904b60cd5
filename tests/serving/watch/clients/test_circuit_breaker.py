"""How long is waited after failures."""

from serving.watch.clients.circuit_breaker import CircuitBreaker


def waits(backoff, failures):
    delays = []
    for _ in range(failures):
        backoff.fail("down", 1_000.0)
        delays.append(backoff.retry_at - 1_000.0)
    return delays


def test_the_wait_doubles_up_to_the_most():
    assert waits(CircuitBreaker("it", {}), 8) == [5, 10, 20, 40, 80, 160, 300, 300]
    assert waits(CircuitBreaker("it", {}, most_seconds=60), 6) == [5, 10, 20, 40, 60, 60]


def test_a_clock_that_comes_back_does_not_prolong_the_wait():
    backoff = CircuitBreaker("it", {})
    backoff.fail("down", 100_000.0)
    assert not backoff.is_ready(100_001.0)
    assert backoff.is_ready(1_000.0)


def test_after_a_success_it_begins_anew():
    backoff = CircuitBreaker("it", {})
    waits(backoff, 3)
    backoff.succeed()
    assert waits(backoff, 1) == [5]
