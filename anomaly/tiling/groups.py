"""Numbers that belong together."""


class Groups:
    """Disjoint sets of the numbers 0..count-1; at first each number is a set of its own."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def of(self, number: int) -> int:
        """Return the number that stands for the set of `number`."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def join(self, one: int, two: int) -> None:
        """Make one set of two; the lowest number stands for it."""
        low, high = sorted((self.of(one), self.of(two)))
        self._parent[high] = low

    def is_alone(self, number: int) -> bool:
        """Whether the set of `number` has no other member."""
        return sum(self.of(other) == self.of(number) for other in range(len(self._parent))) == 1

    def lists(self) -> list[list[int]]:
        """Return the sets in order of their lowest numbers."""
        sets: dict[int, list[int]] = {}
        for number in range(len(self._parent)):
            sets.setdefault(self.of(number), []).append(number)
        return list(sets.values())
